/**
 * The peers in Go, built from their modules where Go is installed, once for all runs: into the user's cache directory.
 * Go keeps to one thread's worth of work, as there is one core.
 */
import { execFile } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { access, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../../test/support/on-path.ts';
import { reservePort } from '../../test/support/redis/reserved-port.ts';
import { DATA, httpPost, httpRequest } from '../wire.ts';
import { listening } from './listening.ts';
import { measured, type Server, ServerProcess } from './server.ts';

const CENTRIFUGO = 'github.com/centrifugal/centrifugo/v6';
export const CENTRIFUGO_VERSION = 'v6.9.1';
export const MERCURE_VERSION = 'v0.21.0';
const MERCURE_SOURCE = join(import.meta.dirname, '..', 'peers', 'mercure');
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tidegate-bench');
/** The first time everything has to be fetched and compiled. */
const BUILDING_MS_MAX = 900_000;

/** Where the program is. @throws when it can't be built */
type Build = () => Promise<string>;

export const buildCentrifugo: Build = () =>
  built(`centrifugo-${CENTRIFUGO_VERSION}`, async (directory) => {
    await go(['install', `${CENTRIFUGO}@${CENTRIFUGO_VERSION}`], directory, { GOBIN: directory });
    return join(directory, 'centrifugo');
  });

/** Its server is a plugin of Caddy that can't be installed as a module; the hub itself is a library, which this serves. */
export const buildMercure: Build = () =>
  built(`mercure-${MERCURE_VERSION}`, async (directory) => {
    await cp(MERCURE_SOURCE, directory, { recursive: true });
    await go(['build', '-o', 'mercure', '.'], directory, { GOFLAGS: '-mod=mod' });
    return join(directory, 'mercure');
  });

export async function startCentrifugo(program: string, directory: string): Promise<Server> {
  const { port } = await reservePort();
  const key = randomBytes(16).toString('hex');
  const file = join(directory, `centrifugo-${port}.json`);
  await writeFile(
    file,
    JSON.stringify({
      http_server: { address: '127.0.0.1', port },
      log: { level: 'error' },
      uni_sse: { enabled: true },
      http_api: { key },
      client: { insecure: true, allowed_origins: ['*'], ping_interval: '1h', pong_timeout: '1m' },
      channel: {
        without_namespace: { allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
      },
    }),
  );
  const process = new ServerProcess(program, ['-c', file]);
  await listening(port, process);
  const connect = encodeURIComponent(JSON.stringify({ subs: { events: {} } }));
  const body = JSON.stringify({ channel: 'events', data: DATA });
  return {
    port,
    publishPort: port,
    requests: [httpRequest(`/connection/uni_sse?cf_connect=${connect}`)],
    publications: [
      { bytes: httpPost('/api/publish', body, { 'content-type': 'application/json', 'x-api-key': key }) },
    ],
    ...measured(process),
  };
}

export async function startMercure(program: string): Promise<Server> {
  const key = randomBytes(32).toString('hex');
  const process = new ServerProcess(program, [key]);
  const { port } = await process.said<{ port: number }>(JSON.parse);
  const body = `topic=events&data=${DATA}`;
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Bearer ${publisherToken(key)}`,
  };
  return {
    port,
    publishPort: port,
    requests: [httpRequest('/.well-known/mercure?topic=events')],
    publications: [{ bytes: httpPost('/.well-known/mercure', body, headers) }],
    ...measured(process),
  };
}

function publisherToken(key: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ mercure: { publish: ['*'] } })}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

async function built(name: string, build: (directory: string) => Promise<string>): Promise<string> {
  const program = join(CACHE, name);
  try {
    await access(program);
    return program;
  } catch {
    // Not built yet.
  }
  if (!onPath('go')) throw new Error('go is not installed');
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(join(CACHE, 'build-'));
  try {
    console.log(`building ${name}, once`);
    await rename(await build(directory), program);
    return program;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function go(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const options = { cwd, env: { ...process.env, ...env }, timeout: BUILDING_MS_MAX };
  await promisify(execFile)('go', args, options);
}
