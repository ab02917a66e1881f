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
 * A log never throws for what it is given: whoever reports a fault must not cause another.
 *
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
  const ours = { time, level, message };
  // Ours stand first, and no field of the same name replaces them.
  return `${JSON.stringify({ ...ours, ...plainFields(fields), ...ours })}\n`;
}

function readableLine(level: string, message: string, fields: LogFields): string {
  const time = new Date(systemClock.now()).toISOString().slice(11, 19);
  const rest = Object.entries(plainFields(fields)).map(([name, value]) => {
    const text = JSON.stringify(value) ?? 'undefined';
    return `${name}=${/^"[\w./:@-]+"$/.test(text) ? text.slice(1, -1) : text}`;
  });
  return `${[time, level === 'info' ? '' : level.toUpperCase(), message, ...rest].filter(Boolean).join(' ')}\n`;
}

/** The fields as JSON has them; one that JSON can not hold says so. */
function plainFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      try {
        const text = JSON.stringify(value, plain);
        return [name, text === undefined ? undefined : JSON.parse(text)];
      } catch {
        // A cycle, or a getter that throws.
        return [name, '[not JSON]'];
      }
    }),
  );
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  const code = 'code' in value ? { code: value.code } : {};
  return { name: value.name, ...code, message: value.message };
}
