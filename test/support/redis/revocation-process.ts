import type { TestContext } from 'node:test';
import { RedisLink } from '../../../src/bus/redis-link.ts';
import { RedisRevocations, type RedisRevocationsOptions } from '../../../src/bus/redis-revocations.ts';
import { parseRedisUrl } from '../../../src/bus/redis-url.ts';
import { systemClock as clock } from '../../../src/core/clock.ts';
import { createLog } from '../../../src/core/log.ts';
import { until } from '../until.ts';
import { PREFIX } from './bus-process.ts';

export interface RevocationProcess {
  readonly store: RedisRevocations;
  readonly link: RedisLink;
  /** Lines of the log, from `info` on. */
  readonly log: readonly string[];
  stop(): void;
}

/** What a gateway has of revocations. @returns when it is connected; it ends with the test */
export async function startRevocations(
  test: TestContext,
  url: string,
  { prefix = PREFIX, ...options }: RedisRevocationsOptions & { readonly prefix?: string } = {},
): Promise<RevocationProcess> {
  const lines: string[] = [];
  const log = createLog('info', (line) => lines.push(line));
  const observer = { reconnected() {}, backfilled() {}, probed() {} };
  const parts = { clock, random: Math.random, log, observer };
  const link = new RedisLink({ target: parseRedisUrl(url), tls: {}, prefix }, parts);
  const store = new RedisRevocations(link, parts, options);
  const stop = () => {
    store.stop();
    link.stop();
  };
  test.after(stop);
  link.start();
  await until(() => link.up, 'Redis can be reached');
  return { store, link, log: lines, stop };
}
