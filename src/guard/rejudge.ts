import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import type { EpochMs } from '../core/brand.ts';
import type { Grant } from './grant.ts';
import { judge, type TrustsKey } from './policy.ts';
import type { TokenErrorCode } from './token-error.ts';

/**
 * Judges a running stream's grant by the guard as it is now.
 *
 * A grant is immutable, so it also falls when the guard, by other claim paths, would now read another subject or
 * session from the token, or fewer scopes than the grant has.
 *
 * @returns the broken rule, or `undefined` when the grant stands
 */
export function rejudge(
  spec: JwtGuardSpec,
  trusts: TrustsKey,
  grant: Grant,
  now: EpochMs,
): TokenErrorCode | undefined {
  const verdict = judge(spec, trusts, grant, now);
  if (typeof verdict === 'string') return verdict;
  const unchanged =
    verdict.subject === grant.subject &&
    verdict.session === grant.session &&
    [...grant.scopes].every((scope) => verdict.scopes.has(scope));
  return unchanged ? undefined : 'malformed';
}
