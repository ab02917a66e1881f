import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from '../core/clock.ts';
import { InputError, UsageError } from '../core/coded-error.ts';
import { isResumable } from '../listen/last-event-id.ts';
import type { ListenOptions } from '../listen/options.ts';
import { withTopics } from '../listen/place.ts';
import { runTokenCommand } from '../listen/token-command.ts';
import { readTokenFile } from '../listen/token-file.ts';
import { fixedToken, renewableToken, type TokenSource } from '../listen/token-source.ts';
import { withUsageErrors } from './arguments.ts';

/**
 * The command line of `tidegate listen`.
 *
 * @throws {UsageError} on a bad flag; no message repeats a URL or a token
 * @throws {InputError} when the CA cannot be read
 */
export function parseListenOptions(args: readonly string[]): ListenOptions {
  const { values, positionals } = withUsageErrors(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        topic: { type: 'string', multiple: true, default: [] },
        'last-event-id': { type: 'string' },
        token: { type: 'string' },
        'token-command': { type: 'string' },
        'token-file': { type: 'string' },
        ca: { type: 'string' },
        insecure: { type: 'boolean', default: false },
        'max-attempts': { type: 'string' },
      },
    }),
  );
  const [address, ...rest] = positionals;
  if (address === undefined || rest.length > 0) throw new UsageError('listen needs exactly one URL');
  const { topic, json, insecure, ca, 'last-event-id': lastEventId } = values;
  if (lastEventId !== undefined && !isResumable(lastEventId)) {
    throw new UsageError('--last-event-id must be 1 to 254 characters of visible ASCII');
  }
  if (insecure && ca !== undefined) throw new UsageError('--ca and --insecure exclude each other');
  return {
    url: withTopics(parseUrl(address), topic),
    tokens: tokenSource(values.token, values['token-command'], values['token-file']),
    trust: { insecure, ...(ca === undefined ? {} : { ca: readCa(ca) }) },
    json,
    lastEventId,
    attemptsMax: attemptsMax(values['max-attempts']),
  };
}

/** The messages name no part of it: a query may hold a token, and so may what is mistaken for a URL. */
function parseUrl(address: string): URL {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError('URL must be that of a stream, such as https://localhost:7143/events');
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('URL must not hold a user name or password');
  }
  url.hash = '';
  return url;
}

function tokenSource(
  token: string | undefined,
  command: string | undefined,
  file: string | undefined,
): TokenSource {
  if ([token, command, file].filter((each) => each !== undefined).length > 1) {
    throw new UsageError('--token, --token-command and --token-file exclude each other');
  }
  if (command !== undefined) {
    return renewableToken((signal) => runTokenCommand(command, systemClock, signal), 'the token command');
  }
  if (file !== undefined) return renewableToken(() => readTokenFile(file), 'the token file');
  return fixedToken(token);
}

/** @throws {InputError} */
export function readCa(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new InputError(`--ca ${path} could not be read as a certificate in PEM`, { cause });
  }
}

function attemptsMax(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError('--max-attempts must be a number from 1 to 999999');
  return Number(text);
}
