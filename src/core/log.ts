import { systemClock } from './clock.ts';

/**
 * One JSON object a line: constant message plus fields. A field never holds a token, a value taken from a token,
 * a query string or an event's payload; errors are logged by class, code and message, which keep the same rule.
 */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * @param write takes one line with its line feed
 * @param readable for a person at a terminal instead of JSON
 */
export function createLog(level: LogLevel, write: (line: string) => void, readable = false): Log {
  const least = LOG_LEVELS.indexOf(level);
  const format = readable ? readableLine : jsonLine;
  const at =
    (name: Exclude<LogLevel, 'silent'>) =>
    (message: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(name) >= least) write(format(name, message, fields));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function jsonLine(level: string, message: string, fields: LogFields): string {
  const time = new Date(systemClock.now()).toISOString();
  return `${JSON.stringify({ time, level, message, ...fields }, plainError)}\n`;
}

function readableLine(level: string, message: string, fields: LogFields): string {
  const time = new Date(systemClock.now()).toISOString().slice(11, 19);
  const rest = Object.entries(fields).map(([name, value]) => {
    const text = JSON.stringify(value, plainError) ?? 'undefined';
    return `${name}=${/^"[\w./:@-]+"$/.test(text) ? text.slice(1, -1) : text}`;
  });
  return `${[time, level === 'info' ? '' : level.toUpperCase(), message, ...rest].filter(Boolean).join(' ')}\n`;
}

function plainError(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const code = 'code' in value ? { code: value.code } : {};
  return { name: value.name, ...code, message: value.message };
}
