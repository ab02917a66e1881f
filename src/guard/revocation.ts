import { hash } from 'node:crypto';
import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { type EpochMs, epochMs } from '../core/brand.ts';
import type { Revocation } from '../core/revocation.ts';
import type { Grant } from './grant.ts';
import type { Logout } from './logout-token.ts';

/**
 * What a revocation is about, and the value that a token must have there. `subject` and `session` are where the guard
 * finds them, `sub` and `sid` what the issuer itself calls so (OpenID Connect Back-Channel Logout, 2.4): a guard may
 * take its subject from another claim.
 */
export interface RevocationTarget {
  readonly kind: 'subject' | 'session' | 'tokenId' | 'sub' | 'sid' | 'subWithoutSid';
  readonly value: string;
}

/** How long a token may live where the guard does not say. */
const LIFETIME_MS = 30 * 24 * 3_600_000;
const SECOND_MS = 1_000;

/**
 * The revocation of tokens of this guard.
 *
 * @param before when absent, the next whole second: most issuers tell `iat` in whole seconds, so a token of this very
 *   second may be older than `now`. A token's id is that of one token, which is meant whenever it was issued.
 */
export function revocationOf(
  guard: { readonly name: string; readonly spec: JwtGuardSpec },
  target: RevocationTarget,
  before: EpochMs | undefined,
  now: EpochMs,
): Revocation {
  const { clockSkew, maxTokenLifetime } = guard.spec;
  // A token may be let in late by one skew. The clock by which the store forgets may be ahead by another, and so may the
  // issuer's, by which a token that is meant by its id was issued.
  const lifetime =
    maxTokenLifetime === undefined ? LIFETIME_MS : maxTokenLifetime + 2 * clockSkew + SECOND_MS;
  const next = before ?? nextSecond(now);
  const expiresAt = epochMs(Math.max(next, nextSecond(now)) + lifetime);
  const whenever = before === undefined && target.kind === 'tokenId';
  return { key: keyOf(guard.name, target), before: whenever ? expiresAt : next, expiresAt };
}

/**
 * What a logout token revokes: by the issuer's own clock, so that who has logged in again since is not logged out by a
 * token that came late or twice. A session is over for good, so all of its tokens so far are meant.
 *
 * @returns `once`: by which another logout token of the same id is known, and the same one
 */
export function revocationsOf(
  guard: Parameters<typeof revocationOf>[0],
  { id, issuedAt, targets, tokenHash }: Logout,
  now: EpochMs,
): {
  readonly revocations: readonly Revocation[];
  readonly once: { readonly key: string; readonly mark: string };
} {
  const over = nextSecond(issuedAt > now ? issuedAt : now);
  const revocations = targets.map((target) =>
    revocationOf(guard, target, target.kind === 'sid' ? over : nextSecond(issuedAt), now),
  );
  return { revocations, once: { key: hashOf([guard.name, 'logout', id]), mark: tokenHash } };
}

/** The first instant that `iat` in whole seconds can only mean a token issued after `at`. */
export function nextSecond(at: EpochMs): EpochMs {
  return epochMs((Math.floor(at / SECOND_MS) + 1) * SECOND_MS);
}

/** Under which keys a token of this grant may have been revoked. */
export function keysOf({ claims, guard, session, subject }: Grant): readonly string[] {
  const { jti, sid, sub } = claims;
  // What no logout token can name is no session (Back-Channel Logout, 2.4): `null`, a number.
  const saysSession = typeof sid === 'string' && sid !== '';
  const targets: readonly (readonly [RevocationTarget['kind'], unknown])[] = [
    ['subject', subject],
    ['session', session],
    ['tokenId', jti],
    ['sub', sub],
    ['sid', sid],
    ['subWithoutSid', saysSession ? undefined : sub],
  ];
  return targets.flatMap(([kind, value]) =>
    typeof value === 'string' ? [keyOf(guard, { kind, value })] : [],
  );
}

/** By the guard's name: one that is made again under the same name takes over what was revoked. */
function keyOf(guard: string, { kind, value }: RevocationTarget): string {
  return hashOf([guard, kind, value]);
}

function hashOf(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url');
}
