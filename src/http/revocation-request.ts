import { type EpochMs, epochMs } from '../core/brand.ts';
import { IDENTIFIER_CHARACTERS_MAX, isIdentifier } from '../guard/claims.ts';
import type { Guard } from '../guard/guard.ts';
import type { Guards } from '../guard/guards.ts';
import { numericDateMs } from '../guard/numeric-date.ts';
import type { RevocationTarget } from '../guard/revocation.ts';
import { Refusal } from './refusal.ts';

/** Milliseconds that were meant to be seconds are refused by it, as is whoever would shut somebody out for good. */
const AHEAD_MAX_MS = 300_000;
const FIELDS = ['guard', 'subject', 'session', 'tokenId', 'before'];
const TARGETS = ['subject', 'session', 'tokenId'] as const;

/** What `POST /revocations` asks for. */
export interface RevocationRequest {
  readonly guard: Guard;
  readonly target: RevocationTarget;
  readonly before: EpochMs | undefined;
}

/** @throws Refusal 400 `bad_revocation`, which names the field and the rule, never a value */
export function parseRevocationRequest(
  body: Readonly<Record<string, unknown>>,
  guards: Guards,
  now: EpochMs,
): RevocationRequest {
  if (Object.keys(body).some((name) => !FIELDS.includes(name))) {
    refuse(`unknown field: there are ${FIELDS.join(', ')}`);
  }
  const { guard: name } = body;
  if (typeof name !== 'string') refuse('guard: must be the name of a JwtGuard');
  const guard = guards.get(name);
  if (guard === undefined) refuse('guard: there is no such JwtGuard here');
  return { guard, target: targetOf(body), before: beforeOf(body['before'], now) };
}

function targetOf(body: Readonly<Record<string, unknown>>): RevocationTarget {
  const [kind, another] = TARGETS.filter((each) => body[each] !== undefined);
  if (kind === undefined || another !== undefined)
    refuse('exactly one of subject, session, tokenId is required');
  const value = body[kind];
  if (!isIdentifier(value)) {
    refuse(`${kind}: must be a string of 1 to ${IDENTIFIER_CHARACTERS_MAX} characters`);
  }
  return { kind, value };
}

/** Rounded up, so that a fraction never spares a token. */
function beforeOf(value: unknown, now: EpochMs): EpochMs | undefined {
  if (value === undefined) return undefined;
  const at = numericDateMs(value);
  if (at === undefined || at < 0) refuse('before: must be a number of seconds since 1970-01-01T00:00:00Z');
  if (at > now + AHEAD_MAX_MS) refuse('before: must be at most 5 minutes ahead, in seconds');
  return epochMs(Math.ceil(at));
}

function refuse(detail: string): never {
  throw new Refusal('bad_revocation', {}, undefined, detail);
}
