/**
 * Tidegate's whole path in one process, as `tidegate dev` runs it: TCP ingest, memory bus, hub, ring, sweep, JWT guard,
 * listeners. Of this repository's sources, with `probe.ts` beside.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AUDIENCE, createKey, forge, type IssuerKey, jwks, type Members } from '../../test/support/issuer.ts';
import type { Publication } from '../load-client.ts';
import { DATA, type Headers, httpRequest } from '../wire.ts';
import { askProbe, PROBING } from './node-server.ts';
import type { Memory, Stall } from './probe.ts';
import { measured, type Server, ServerProcess } from './server.ts';

const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');
const TOKEN_S = 7_200;

export type Algorithm = 'RS256' | 'ES256';

export type Keys = Readonly<Record<Algorithm, IssuerKey>>;

/** For several servers that are to take the same tokens. */
export function createKeys(): Keys {
  return { RS256: createKey('rs256', 'RS256'), ES256: createKey('es256', 'ES256') };
}

export interface TidegateOptions {
  readonly keys?: Keys;
  /** Of the streams at `/rs256` and `/es256`, which have guards; `/public` has `events`. */
  readonly topics?: readonly string[];
  /** Of `EventGateway.spec.limits`, beside a `perSubject` that does not matter. */
  readonly limits?: object;
  readonly challenge?: { readonly leadTime: string; readonly answer?: 'Stream' | 'Subject' };
  readonly retry?: string;
}

export interface Tidegate extends Server {
  readonly tlsPort: number;
  /** Of the guard at `/rs256`; it outlives any bench. */
  readonly token: string;
  mint(alg: Algorithm, claims: Members): string;
  /** By its name without the prefix. */
  metric(name: string): Promise<number>;
  /** After two full collections. */
  memory(): Promise<Memory>;
  watchLoop(): Promise<void>;
  /** Those since the loop has been watched. */
  stalls(): Promise<readonly Stall[]>;
}

export async function startTidegate(directory: string, options: TidegateOptions = {}): Promise<Tidegate> {
  const { keys = createKeys() } = options;
  const own = join(directory, `tidegate-${++started}`);
  await mkdir(own, { recursive: true });
  const file = join(own, 'tidegate.yaml');
  await writeFile(file, configuration(keys, options));
  const listen = ['tls', 'http', 'ingest', 'admin'].flatMap((name) => [`--listen-${name}`, '127.0.0.1:0']);
  const off = ['publish', 'revocations'].flatMap((name) => [`--listen-${name}`, 'off']);
  const state = ['--state-dir', join(own, 'state'), '--log-level', 'warn'];
  const node = [...PROBING, CLI];
  const process = new ServerProcess(
    globalThis.process.execPath,
    [...node, 'dev', file, ...listen, ...off, ...state],
    true,
  );
  const [tlsPort = 0, publishPort = 0, port = 0, adminPort = 0] = await process.said((output) => {
    const ports = [
      /https:\/\/localhost:(\d+)/,
      /nc -w 1 localhost (\d+)/,
      /http:\/\/localhost:(\d+)\/rs256/,
      /http:\/\/localhost:(\d+)\/metrics/,
    ].map((pattern) => Number(pattern.exec(output)?.[1]));
    return ports.some(Number.isNaN) ? undefined : ports;
  });
  const mint = (alg: Algorithm, claims: Members): string => mintWith(keys, alg, claims);
  const token = mint('RS256', { sub: 'bench', exp: inSeconds(TOKEN_S) });
  return {
    port,
    tlsPort,
    publishPort,
    requests: [httpRequest('/rs256', bearer(token))],
    publications: [publication({})],
    token,
    mint,
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
      return Number(new RegExp(`^tidegate_${name} (\\S+)$`, 'm').exec(text)?.[1]);
    },
    memory: () => askProbe(process, { ask: 'memory' }),
    async watchLoop() {
      await askProbe(process, { ask: 'watch' });
    },
    stalls: () => askProbe(process, { ask: 'stalls' }),
    ...measured(process),
  };
}

let started = 0;

export function mintWith(keys: Keys, alg: Algorithm, claims: Members): string {
  return forge(keys[alg], { iss: issuer(alg), aud: AUDIENCE, ...claims });
}

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

/** A line for ingest. */
export function publication(members: Readonly<Record<string, unknown>>, receivers?: number): Publication {
  const bytes = Buffer.from(`${JSON.stringify({ data: DATA, ...members })}\n`);
  return receivers === undefined ? { bytes } : { bytes, receivers };
}

/** A NumericDate. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

function configuration(keys: Keys, options: TidegateOptions): string {
  const { challenge, limits = {}, retry, topics } = options;
  const guards = (['RS256', 'ES256'] as const).map((alg) => ({
    ...document('JwtGuard', alg.toLowerCase()),
    spec: {
      issuer: issuer(alg),
      audiences: [AUDIENCE],
      jwks: { inline: jwks(keys[alg]) },
      ...(challenge === undefined ? {} : { challenge }),
    },
  }));
  const carried = topics === undefined ? {} : { topics };
  const guarded = guards.map(({ metadata: { name } }) => ({
    path: `/${name}`,
    guardRefs: [{ name }],
    ...carried,
  }));
  const gateway = {
    ...document('EventGateway', 'bench'),
    spec: {
      streams: [...guarded, { path: '/public', public: true }],
      limits: { perSubject: 100_000, connections: 40_000, ...limits },
      ...(retry === undefined ? {} : { retry }),
    },
  };
  return [...guards, gateway].map((each) => JSON.stringify(each)).join('\n---\n');
}

function document(kind: string, name: string) {
  return { apiVersion: 'tidegate.dev/v1alpha1', kind, metadata: { name } };
}

function issuer(alg: Algorithm): string {
  return `https://${alg.toLowerCase()}.example/`;
}
