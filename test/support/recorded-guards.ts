import type { Log, LogFields } from '../../src/core/log.ts';
import { Guards } from '../../src/guard/guards.ts';
import { FakeClock } from './fake-clock.ts';

/** Guards on a fake clock, with everything that they report kept. */
export class RecordedGuards {
  readonly clock = new FakeClock();
  readonly log = new RecordedLog();
  readonly fetched: string[] = [];
  readonly cached: string[] = [];
  readonly guards: Guards;
  changes = 0;

  constructor(secretsDir?: string) {
    this.guards = new Guards({
      clock: this.clock,
      random: () => 0.5,
      log: this.log,
      observer: {
        fetched: (guard, result) => void this.fetched.push(`${guard} ${result}`),
        cached: (result) => void this.cached.push(result),
      },
      secretsDir,
    });
    this.guards.onChange(() => void this.changes++);
  }
}

/** Keeps lines as text, so that a test can look for what must not be in them. */
export class RecordedLog implements Log {
  readonly lines: string[] = [];
  readonly debug = (message: string, fields?: LogFields) => this.#keep('debug', message, fields);
  readonly info = (message: string, fields?: LogFields) => this.#keep('info', message, fields);
  readonly warn = (message: string, fields?: LogFields) => this.#keep('warn', message, fields);
  readonly error = (message: string, fields?: LogFields) => this.#keep('error', message, fields);

  #keep(level: string, message: string, fields: LogFields = {}): void {
    this.lines.push(JSON.stringify({ level, message, ...fields }));
  }
}
