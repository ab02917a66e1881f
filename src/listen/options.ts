import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { Trust } from './request.ts';
import type { TokenSource } from './token-source.ts';

export interface ListenOptions {
  /** `http:` or `https:`, without credentials and fragment; already holds the topics. */
  readonly url: URL;
  readonly tokens: TokenSource;
  readonly trust: Trust;
  /** One JSON object a line instead of tab-separated text. */
  readonly json: boolean;
  /** Resumes after this event. */
  readonly lastEventId: string | undefined;
  /** Gives up after so many attempts in a row that brought nothing. */
  readonly attemptsMax: number;
}

export interface ListenIo {
  /** Takes events. Resolves when there is room for more, or when `signal` is aborted; until then nothing more is read. */
  out(text: string): Promise<void>;
  /** Takes one line about the state, without its line feed. */
  err(line: string): void;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborted when the user has had enough. */
  readonly signal: AbortSignal;
}
