import { text } from 'node:stream/consumers';
import { systemClock as clock } from '../core/clock.ts';
import { InputError, UnreachableError } from '../core/coded-error.ts';
import type { Command } from '../core/terminal.ts';
import { request } from '../listen/request.ts';
import { readTokenFile } from '../listen/token-file.ts';
import { parseRevokeOptions, REVOKE_USAGE, type RevokeOptions } from './revoke-options.ts';

/** Longer than a gateway waits for its Redis. */
const ANSWER_MS = 10_000;

export const revokeCommand: Command = {
  summary: 'revokes tokens at a gateway: their streams end, they come in no more',
  usage: REVOKE_USAGE,
  async run(args, terminal) {
    const options = parseRevokeOptions(args);
    const [credential = ''] = (await readTokenFile(options.tokenFile)).trim().split(/\s/, 1);
    // It could not even be a header otherwise.
    if (!/^[\x21-\x7e]+$/.test(credential)) throw new InputError('the token file holds no credential');
    const { status, told } = await post(options, credential, terminal.signal);
    if (status === 204) {
      terminal.out('revoked; no gateway has such a stream within a second\n');
      return 0;
    }
    const why = `the gateway answered ${status}${reason(told)}`;
    if (status === 429 || status === 503) throw new UnreachableError(why);
    throw new InputError(why);
  },
};

/** @throws UnreachableError */
async function post({ url, body, ca }: RevokeOptions, credential: string, signal: AbortSignal) {
  const json = JSON.stringify(body);
  const exchange = {
    method: 'POST',
    url,
    headers: {
      authorization: `Bearer ${credential}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(json)),
    },
    body: json,
    insecure: false,
    timeoutMs: ANSWER_MS,
    ...(ca === undefined ? {} : { ca }),
  } as const;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  try {
    const response = await request(exchange, clock, limit);
    return { status: response.statusCode ?? 0, told: await text(response) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? `: ${String(error.code)}` : '';
    throw new UnreachableError(`the gateway could not be reached${code}`, { cause: error });
  }
}

/** What a problem (RFC 9457) says, on one line. */
function reason(told: string): string {
  try {
    const problem: unknown = JSON.parse(told);
    if (typeof problem !== 'object' || problem === null) return '';
    const parts = ['title', 'detail'].flatMap((name) => {
      const part: unknown = Reflect.get(problem, name);
      return typeof part === 'string' ? [part.replace(/[\p{Cc}\s]+/gu, ' ')] : [];
    });
    return parts.length === 0 ? '' : `: ${parts.join(' ')}`;
  } catch {
    // Something else answers there.
    return '';
  }
}
