import { setImmediate as turn } from 'node:timers/promises';
import { listen } from '../../src/listen/listen.ts';
import type { ListenOptions } from '../../src/listen/options.ts';
import { fixedToken, renewableToken, TokenSourceError } from '../../src/listen/token-source.ts';
import type { ExitCode } from '../../src/listen/verdict.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** Announced waits pass at once: the clock is told to go on as soon as the wait has begun. */
const WAIT = /(?:reconnecting|repeating) in ([\d.]+) s$/;
/** What rounding to a tenth of a second may hide. */
const ROUNDING_MS = 60;

/** A listener under a fake clock, with all that it prints. */
export class Listener {
  readonly clock = new FakeClock();
  readonly err: string[] = [];
  out = '';
  /** Replaced by a test that is to be a slow reader. */
  roomFor: () => Promise<void> = () => Promise.resolve();
  readonly exit: Promise<ExitCode>;
  readonly #ending = new AbortController();

  constructor(url: URL, options: Partial<ListenOptions> = {}) {
    this.exit = listen(
      {
        url,
        tokens: fixedToken(undefined),
        trust: { insecure: false },
        json: false,
        lastEventId: undefined,
        attemptsMax: Number.POSITIVE_INFINITY,
        ...options,
      },
      {
        out: (text) => {
          this.out += text;
          return this.roomFor();
        },
        err: (line) => this.#note(line),
        clock: this.clock,
        random: () => 0.5,
        signal: this.#ending.signal,
      },
    );
    // Whoever awaits it is told as well; this only says that somebody may do so late.
    this.exit.catch(() => {});
  }

  /** As Ctrl-C does. */
  interrupt(): void {
    this.#ending.abort();
  }

  /** Bounded by the test's own time-out. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await turn();
  }

  untilErr(part: string): Promise<void> {
    return this.until(() => this.err.some((line) => line.includes(part)));
  }

  untilOut(part: string): Promise<void> {
    return this.until(() => this.out.includes(part));
  }

  #note(line: string): void {
    this.err.push(line);
    const wait = WAIT.exec(line);
    if (wait !== null) setImmediate(() => this.clock.advance(Number(wait[1]) * 1000 + ROUNDING_MS));
  }
}

/** Gives these tokens in turn, the last one again and again; an `undefined` is a failure. */
export function tokens(...texts: (string | undefined)[]) {
  let next = 0;
  return renewableToken(async () => {
    const text = texts[Math.min(next++, texts.length - 1)];
    if (text === undefined)
      throw new TokenSourceError('no_token', 'the token command failed with exit status 1');
    return text;
  }, 'the token command');
}
