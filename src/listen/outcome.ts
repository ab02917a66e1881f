import type { Problem } from './problem.ts';
import { visible } from './render.ts';

/** How an attempt ended. */
export type Outcome =
  /** No HTTP answer. */
  | { readonly kind: 'unreachable'; readonly why: string }
  /** The token source gave none. */
  | { readonly kind: 'no_token'; readonly why: string }
  /** An answer that says: not now. */
  | { readonly kind: 'unavailable'; readonly problem: Problem; readonly afterMs: number }
  /** An answer that says: not you, or not this. */
  | { readonly kind: 'refused'; readonly problem: Problem }
  /** The server said why the stream ends. */
  | { readonly kind: 'ended'; readonly reason: string; readonly reconnect: boolean }
  /** The stream ended without a word. */
  | { readonly kind: 'lost'; readonly why: string };

const REASON_CHARS_MAX = 64;

/** @param data of an `event:end`; one that cannot be read counts as a lost connection */
export function parseEnd(data: string): Outcome {
  const value = parseJson(data);
  if (typeof value !== 'object' || value === null || !('reason' in value) || !('reconnect' in value)) {
    return { kind: 'lost', why: 'the stream ended for an unreadable reason' };
  }
  const reason = visible(String(value.reason).slice(0, REASON_CHARS_MAX));
  return { kind: 'ended', reason, reconnect: value.reconnect === true };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
