import { RedisLink } from '../bus/redis-link.ts';
import { systemClock as clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Terminal } from '../core/terminal.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { openConfiguration } from './open-configuration.ts';
import { connectRedis, followRedisSettings, readRedisSettings } from './redis-source.ts';
import type { ServerOptions } from './server-options.ts';
import { version } from './version.ts';

const { random } = Math;

/**
 * What every server that shares events through Redis begins with. Whoever uses the link does so before `connect`.
 *
 * @throws InputError, UnreachableError
 */
export async function openRedisRole(role: string, options: ServerOptions, log: Log, terminal: Terminal) {
  const metrics = createMetrics({ version });
  const source = await openConfiguration(role, options, terminal.env, metrics, log, terminal.signal);
  const read = () => readRedisSettings(source.current(), source.places);
  const settings = await read();
  const parts = { clock, random, log, observer: metrics.bus };
  const link = new RedisLink(settings, parts);
  return {
    metrics,
    source,
    link,
    parts,
    connect: () => connectRedis(link, clock, terminal.signal),
    /** Credentials and addresses may change from now on. */
    followSettings: () => followRedisSettings(link, read, settings, clock, log),
  };
}
