/** A process's side of the bus, connected; without log, since there is nothing to tell but in a failure. */
import type { BusObserver } from '../../src/bus/observer.ts';
import { RedisLink } from '../../src/bus/redis-link.ts';
import { parseRedisUrl } from '../../src/bus/redis-url.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import { PREFIX } from './protocol.ts';

export function createLink(url: string, observer: BusObserver) {
  const log = createLog('warn', (line) => void process.stderr.write(`${line}\n`));
  const parts = { clock, random: Math.random, log, observer };
  const link = new RedisLink({ target: parseRedisUrl(url), tls: {}, prefix: PREFIX }, parts);
  const up = new Promise<void>((resolve) => link.onUp(resolve));
  return { link, parts, up };
}

/** Of this process, user and system, in microseconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

process.once('disconnect', () => process.exit(0));
