import { epochMs } from '../core/brand.ts';
import type { Revocation } from '../core/revocation.ts';

/**
 * What the channel of revocations carries: `PREVIOUS VERSION KEY:BEFORE:EXPIRY …`. The set has another version with
 * every change, a random text, and each change names the one before it: whoever had that has everything.
 */
export interface RevocationMessage {
  readonly previous: string;
  readonly version: string;
  readonly revocations: readonly Revocation[];
}

/** The version of a set that there is not (any more). */
export const NO_VERSION = '-';

/** @returns `undefined` when it is not one, as from another version of the program */
export function parseRevocationMessage(text: string): RevocationMessage | undefined {
  const [previous, version, ...rest] = text.split(' ');
  if (!previous || !version) return undefined;
  const revocations = rest.flatMap((each) => {
    const [key = '', before = '', expiry = ''] = each.split(':');
    return parseRevocation(key, before, expiry) ?? [];
  });
  return revocations.length === rest.length ? { previous, version, revocations } : undefined;
}

/** As it is kept: `BEFORE EXPIRY` under its key. @returns `undefined` when it is not one */
export function parseKept(key: string, value: string): Revocation | undefined {
  const [before = '', expiry = ''] = value.split(' ');
  return parseRevocation(key, before, expiry);
}

function parseRevocation(key: string, before: string, expiry: string): Revocation | undefined {
  if (!/^[-\w]{43}$/.test(key) || !/^\d{1,16}$/.test(before) || !/^\d{1,16}$/.test(expiry)) return undefined;
  return { key, before: epochMs(Number(before)), expiresAt: epochMs(Number(expiry)) };
}
