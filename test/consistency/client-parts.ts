import type { Random } from '../../src/core/random.ts';
import type { History, Token, TokenMarks } from './history.ts';
import type { View } from './ledger.ts';

/** `retry:` is honoured up to here: a run is short. */
export const RETRY_MS_MAX = 300;

/** How long tokens are good: of habit `long`, and of the others. */
export interface TokenLives {
  readonly longMs: number;
  readonly shortMs: number;
}

export const TOKEN_LIVES: TokenLives = { longMs: 600_000, shortMs: 3_000 };

/** `wanders`: leaves by itself, soon and again and again. `stays`: only what happens to it ends its streams. */
export type Temper = 'wanders' | 'stays';

/** Long tokens, short ones renewed in the stream, or short ones that are left to expire. */
export type TokenHabit = 'long' | 'answers' | 'expires';

/** Where something listens. */
export interface Endpoint {
  /** Absent: this machine. */
  readonly host?: string;
  readonly port: number;
}

export const LOOPBACK = '127.0.0.1';

export interface Gateway extends Endpoint {
  readonly name: string;
}

/** A token as it was shown. */
export interface Shown {
  readonly text: string;
  readonly token: Token;
}

export interface ClientParts {
  readonly name: string;
  readonly view: View;
  readonly path: string;
  readonly temper: Temper;
  readonly habit: TokenHabit;
  readonly lives?: TokenLives | undefined;
  readonly history: History;
  readonly random: Random;
  /** Where a gateway is, or was. */
  readonly gateways: () => readonly Gateway[];
  readonly mint: (view: View, from: number, until: number, marks: TokenMarks) => string;
}

export function pick<Value>(values: readonly Value[], random: Random): Value | undefined {
  return values[Math.floor(random() * values.length)];
}

/** The code of a problem; a gateway that is killed may leave half of one. */
export function problemIn(body: string): { readonly code?: string } {
  const [, code] = /"code":"(\w+)"/.exec(body) ?? [];
  return code === undefined ? {} : { code };
}
