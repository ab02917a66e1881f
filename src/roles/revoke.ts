import { InputError, UnreachableError } from '../core/coded-error.ts';
import type { Command } from '../core/terminal.ts';
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
    if (credential === '') throw new InputError('the token file is empty');
    const signal = AbortSignal.any([terminal.signal, AbortSignal.timeout(ANSWER_MS)]);
    const response = await post(options, credential, signal);
    const told = await response.text().catch(() => '');
    if (response.ok) {
      terminal.out('revoked; no gateway has such a stream within a second\n');
      return 0;
    }
    const why = `the gateway answered ${response.status}${reason(told)}`;
    if (response.status === 429 || response.status === 503) throw new UnreachableError(why);
    throw new InputError(why);
  },
};

/** A redirect is not followed: the credential is for the server it was meant for. */
async function post(
  { url, body }: RevokeOptions,
  credential: string,
  signal: AbortSignal,
): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal,
    });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = cause instanceof Error && 'code' in cause ? `: ${String(cause.code)}` : '';
    throw new UnreachableError(`the gateway could not be reached${code}`, { cause: error });
  }
}

/** What a problem (RFC 9457) says, on one line. */
function reason(text: string): string {
  try {
    const problem: unknown = JSON.parse(text);
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
