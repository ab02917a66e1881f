import type { RedisLink } from './redis-link.ts';

/** An entry of the log as it stands there. */
export interface Entry {
  readonly id: string;
  /** `p` previous id, `w` writer's mark, `r` record. */
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Entries after `start`, or backwards from before it; it is left out itself. Empty: from the log's beginning, or end.
 *
 * @throws BusError
 */
export function readEntries(
  link: RedisLink,
  start: string,
  max: number,
  direction: 'forward' | 'backward',
): Promise<readonly Entry[]> {
  const { log } = link.keys;
  const from = start === '' ? '' : `(${start}`;
  return link.ask(async (redis) => {
    const found =
      direction === 'forward'
        ? await redis.xrange(log, from || '-', '+', 'COUNT', max)
        : await redis.xrevrange(log, from || '+', '-', 'COUNT', max);
    return found.map(toEntry);
  });
}

function toEntry([id, list]: [id: string, fields: string[]]): Entry {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < list.length; i += 2) fields[list[i] ?? ''] = list[i + 1] ?? '';
  return { id, fields };
}
