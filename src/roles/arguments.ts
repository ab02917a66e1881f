import { UsageError } from '../core/coded-error.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import { LOG_LEVELS, type LogLevel } from '../core/log.ts';

/** `parseArgs` throws its own errors; to the caller of a command all of them are wrong usage. */
export function withUsageErrors<Result>(parse: () => Result): Result {
  try {
    return parse();
  } catch (error) {
    // Only the first sentence: the rest is advice about JavaScript's own quoting.
    throw new UsageError(
      error instanceof Error ? (error.message.split(/\.\s/)[0] ?? error.message) : String(error),
    );
  }
}

/** `[HOST:]PORT`, an IPv6 host in brackets, or `off`. */
export function listenAddress(flag: string, text: string): ListenAddress | undefined {
  if (text === 'off') return undefined;
  const parts = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  if (parts === null || port > 65_535) {
    throw new UsageError(`--${flag} must be [HOST:]PORT or off, such as 127.0.0.1:7143`);
  }
  return { host: parts[1]?.replace(/^\[|\]$/g, ''), port };
}

export function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((each) => each === text);
  if (level === undefined) throw new UsageError(`--log-level must be one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

/** Whole seconds of a flag such as `--ttl`; also `90s`, `5m`, `2h`. */
export function seconds(flag: string, text: string): number {
  const parts = /^(\d{1,9})(s|m|h)?$/.exec(text);
  if (parts === null) throw new UsageError(`--${flag} must be a duration such as 90s, 5m or 2h`);
  return Number(parts[1]) * ({ s: 1, m: 60, h: 3600 }[parts[2] ?? 's'] ?? 1);
}
