import { epochMs, subject } from '../core/brand.ts';
import type { Grant } from '../guard/grant.ts';
import { isJsonObject, type JsonObject } from '../guard/json-object.ts';
import { ANSWER_OUTCOMES, type AnswerOutcome } from './owner.ts';

/** All that one process asks another about answers: a verified grant, and which streams it is for. */
export type OwnerQuestion =
  | { readonly kind: 'challenge'; readonly challengeId: string; readonly grant: Grant }
  | { readonly kind: 'subject'; readonly grant: Grant };

export function writeQuestion(question: OwnerQuestion): string {
  const { grant } = question;
  return JSON.stringify({ ...question, grant: { ...grant, scopes: [...grant.scopes] } });
}

/** @returns `undefined` when it is not one, as from another version of the program */
export function parseQuestion(text: string): OwnerQuestion | undefined {
  const message = parseJson(text);
  if (!isJsonObject(message) || !isJsonObject(message['grant'])) return undefined;
  const grant = parseGrant(message['grant']);
  const { kind, challengeId } = { kind: message['kind'], challengeId: message['challengeId'] };
  if (grant === undefined) return undefined;
  if (kind === 'subject') return { kind, grant };
  return kind === 'challenge' && typeof challengeId === 'string' ? { kind, challengeId, grant } : undefined;
}

/** @returns `undefined` when it is not an outcome */
export function parseOutcome(text: string): AnswerOutcome | undefined {
  return ANSWER_OUTCOMES.find((outcome) => outcome === text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseGrant(value: JsonObject): Grant | undefined {
  const texts = ['guard', 'guardUid', 'algorithm', 'keyThumbprint', 'tokenHash'] as const;
  const times = ['generation', 'expiresAt', 'closeAt'] as const;
  const [guard, guardUid, algorithm, keyThumbprint, tokenHash] = texts.map((name) => textOf(value[name]));
  const [generation, expiresAt, closeAt] = times.map((name) => numberOf(value[name]));
  const { claims, scopes, subject: who, session, issuedAt } = value;
  if (guard === undefined || guardUid === undefined || algorithm === undefined) return undefined;
  if (keyThumbprint === undefined || tokenHash === undefined || generation === undefined) return undefined;
  if (expiresAt === undefined || closeAt === undefined || !isJsonObject(claims)) return undefined;
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string')) return undefined;
  // What may be absent may not be something else: "no session" and "no subject" have a meaning of their own.
  if (who !== undefined && typeof who !== 'string') return undefined;
  if (session !== undefined && typeof session !== 'string') return undefined;
  if (issuedAt !== undefined && numberOf(issuedAt) === undefined) return undefined;
  const issued = numberOf(issuedAt);
  return {
    guard,
    guardUid,
    algorithm,
    keyThumbprint,
    tokenHash,
    generation,
    claims,
    scopes: new Set(scopes),
    subject: who === undefined ? undefined : subject(who),
    session,
    issuedAt: issued === undefined ? undefined : epochMs(issued),
    expiresAt: epochMs(expiresAt),
    closeAt: epochMs(closeAt),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** JSON can say `1e999`, which would be a token without an end. */
function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
