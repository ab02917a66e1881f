import { Refusal } from './refusal.ts';

/** A day: enough for a debugging session, and no countdown needs more digits. */
const LIFETIME_S_MAX = 86_400;

/** What a development token is to say; whatever is absent is the minter's choice. */
export interface TokenRequest {
  readonly sub?: string;
  /** Separated by spaces (RFC 8693, 4.2). */
  readonly scope?: string;
  readonly ttlSeconds?: number;
}

/**
 * `{"sub"?: string, "scope"?: string, "ttl"?: seconds}` and nothing else: a typo must not go unnoticed.
 *
 * @throws Refusal 400 `bad_token_request`
 */
export function parseTokenRequest(body: Readonly<Record<string, unknown>>): TokenRequest {
  const { sub, scope, ttl, ...others } = body;
  if (Object.keys(others).length > 0) throw refused('the fields are sub, scope and ttl');
  return {
    ...(sub === undefined ? {} : { sub: text(sub, 'sub') }),
    ...(scope === undefined ? {} : { scope: text(scope, 'scope') }),
    ...(ttl === undefined ? {} : { ttlSeconds: seconds(ttl) }),
  };
}

function text(value: unknown, name: 'sub' | 'scope'): string {
  if (typeof value !== 'string') throw refused(`${name} must be a string`);
  return value;
}

function seconds(value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > LIFETIME_S_MAX) {
    throw refused(`ttl must be a whole number of seconds from 1 to ${LIFETIME_S_MAX}`);
  }
  return value;
}

function refused(detail: string): Refusal {
  return new Refusal('bad_token_request', {}, undefined, detail);
}
