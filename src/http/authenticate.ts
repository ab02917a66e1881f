import type { Context } from 'koa';
import { ConflictingTokensError, type CredentialSources, findToken } from '../guard/credentials.ts';
import type { Grant } from '../guard/grant.ts';
import type { Guard } from '../guard/guard.ts';
import type { Guards } from '../guard/guards.ts';
import { PresentedToken } from '../guard/presented-token.ts';
import { TokenError } from '../guard/token-error.ts';
import { queryOf } from './query.ts';
import { Refusal } from './refusal.ts';

export interface Authenticated {
  readonly guard: Guard;
  readonly grant: Grant;
}

/** Which guard judged a request; what is refused is logged by its name. */
const judges = new WeakMap<object, string>();

export function guardOf(ctx: Context): string | undefined {
  return judges.get(ctx.req);
}

/**
 * Token → Grant by whichever of these guards is its issuer's.
 *
 * @param purpose decides which token counts when there are several (contract, sections 4 and 5)
 * @throws Refusal 400 or 401
 */
export async function authenticate(
  ctx: Context,
  names: readonly string[],
  guards: Guards,
  purpose: 'stream' | 'answer',
): Promise<Authenticated> {
  try {
    const accepted = names.flatMap((name) => guards.get(name)?.spec.credentials ?? []);
    const sources = credentialSources(ctx);
    const token = findToken(sources, accepted, purpose);
    const presented = new PresentedToken(token);
    const guard = guards.choose(names, presented);
    judges.set(ctx.req, guard.name);
    // It may have come in a way that only another guard of the path accepts.
    if (accepted.length > 1 && findToken(sources, [guard.spec.credentials], purpose) !== token)
      throw new TokenError('missing');
    return { guard, grant: await guards.verify(guard, presented) };
  } catch (error) {
    if (error instanceof TokenError) throw new Refusal(error.code, {}, error);
    if (error instanceof ConflictingTokensError) throw new Refusal('conflicting_tokens', {}, error);
    throw error;
  }
}

function credentialSources(ctx: Context): CredentialSources {
  const { headers, rawHeaders } = ctx.req;
  const authorization: string[] = [];
  // Names and values in turn; of several `Authorization` headers Node's own `headers` keeps the first.
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (isAuthorization(rawHeaders[at])) authorization.push(rawHeaders[at + 1] ?? '');
  }
  return { authorization, cookie: headers.cookie, query: queryOf(ctx) };
}

/** By its length first: a name in lower case is a new text. */
function isAuthorization(name = ''): boolean {
  return name.length === 13 && name.toLowerCase() === 'authorization';
}
