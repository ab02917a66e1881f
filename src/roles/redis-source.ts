import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { defaultPrefix } from '../bus/keys.ts';
import type { RedisSettings, RedisTls } from '../bus/redis-client.ts';
import type { RedisLink } from '../bus/redis-link.ts';
import { parseRedisUrl } from '../bus/redis-url.ts';
import type { Configuration } from '../config/configuration.ts';
import type { EventGatewaySpec } from '../config/event-gateway.ts';
import { readSecret } from '../config/secrets.ts';
import { type Clock, sleep, type Timer } from '../core/clock.ts';
import { InputError, UnreachableError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import type { ReferencePlaces } from './configuration-source.ts';

const URL_BYTES_MAX = 4096;
const PEM_BYTES_MAX = 262_144;
/** How often files with credentials are read again; a mounted Secret changes by the swap of a link. */
const POLL_MS = 1021;
/** How long a process that starts waits for Redis before it says that it can't reach it. */
const START_MS = 10_000;
const LOOK_MS = 20;

/**
 * Where Redis is, by the configuration and the files that it refers to.
 *
 * @throws InputError names the field or the reference and the rule, never what the file holds
 */
export async function readRedisSettings(
  { gateway }: Configuration,
  { secretsDir, configMapsDir }: ReferencePlaces,
): Promise<RedisSettings> {
  const { redis } = gateway.spec;
  if (redis === undefined) {
    throw new InputError('the EventGateway has no spec.redis, which gateway and ingest share events through');
  }
  const directory = secretsDir ?? missingDirectory();
  const { name, key } = redis.urlSecretRef;
  const prefix = redis.prefix ?? defaultPrefix(gateway.namespace, gateway.name);
  let target: RedisSettings['target'];
  try {
    target = parseRedisUrl(await readText(directory, name, key, URL_BYTES_MAX));
  } catch (error) {
    throw error instanceof InputError ? new InputError(`spec.redis.urlSecretRef: ${error.message}`) : error;
  }
  if (target.kind === 'cluster' && !/\{[^}]+\}/.test(prefix)) {
    throw new InputError('spec.redis.prefix: must hold a hash tag such as {events} for a Redis Cluster');
  }
  return { target, tls: await readTls(directory, configMapsDir ?? directory, redis.tls), prefix };
}

async function readTls(
  secretsDir: string,
  configMapsDir: string,
  tls: NonNullable<EventGatewaySpec['redis']>['tls'],
): Promise<RedisTls> {
  if (tls === undefined) return {};
  const { caConfigMapKeyRef: ca, clientSecretName: client, serverName } = tls;
  const read = (name: string, key: string) => readText(secretsDir, name, key, PEM_BYTES_MAX);
  return {
    ...(ca === undefined ? {} : { ca: await readText(configMapsDir, ca.name, ca.key, PEM_BYTES_MAX) }),
    ...(client === undefined
      ? {}
      : { cert: await read(client, 'tls.crt'), key: await read(client, 'tls.key') }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

async function readText(directory: string, name: string, key: string, bytesMax: number): Promise<string> {
  return Buffer.from(await readSecret(directory, { name, key }, bytesMax))
    .toString('utf8')
    .trim();
}

function missingDirectory(): never {
  throw new InputError(
    `spec.redis.urlSecretRef: needs --secrets-dir, under which it is ${join('NAME', 'KEY')}`,
  );
}

/** Connects. @throws UnreachableError when that takes too long, or when the signal comes first */
export async function connectRedis(link: RedisLink, clock: Clock, signal: AbortSignal): Promise<void> {
  link.start();
  const sinceMs = clock.monotonicMs();
  while (!link.up) {
    if (signal.aborted) throw new UnreachableError('told to end before Redis could be reached');
    if (clock.monotonicMs() - sinceMs > START_MS) {
      const why = link.fault === '' ? '' : `: ${link.fault}`;
      throw new UnreachableError(`Redis could not be reached within ${START_MS / 1000} s${why}`);
    }
    await sleep(clock, LOOK_MS);
  }
}

/** Reads the files again and again, and connects anew when they, or what the configuration says of Redis, have changed. */
export function followRedisSettings(
  link: RedisLink,
  read: () => Promise<RedisSettings>,
  first: RedisSettings,
  clock: Clock,
  log: Log,
): Timer {
  let seen = digest(first);
  let announced = first.prefix;
  let refused = '';
  return clock.every(POLL_MS, () => {
    void (async () => {
      try {
        const { prefix, ...rest } = await read();
        refused = '';
        if (prefix !== announced)
          log.error('spec.redis.prefix has changed, which takes effect with a restart');
        announced = prefix;
        const next = { ...rest, prefix: first.prefix };
        if (digest(next) === seen) return;
        seen = digest(next);
        log.info('redis settings changed, connecting anew');
        link.replace(next);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== refused)
          log.warn('redis settings can not be read, the last good ones stay', { error });
        refused = message;
      }
    })();
  });
}

/** Credentials are compared without keeping a second copy of them. */
function digest(settings: RedisSettings): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('base64url');
}
