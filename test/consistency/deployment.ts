import { createPrivateKey, type JsonWebKeyInput, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AUDIENCE, createKey, forge, type IssuerKey, jwks } from '../support/issuer.ts';
import type { TokenMarks } from './history.ts';
import type { View } from './ledger.ts';

const LEAD_TIME = '1s';
/** One hash tag: on a cluster, one node owns it all. */
export const REDIS_PREFIX = 'consistency:{run}:';
const REDIS_SECRET = { name: 'redis', key: 'url' };
const REVOKER_SECRET = { name: 'revoker', key: 'token' };

/** So few events that streams of it alone are silent, and are told positions. */
export const RARE_TOPIC = 'rare';

/** Each path has one guard, and they answer challenges in the two ways that there are. */
export const PATHS = [
  { path: '/main', guard: 'main', answer: 'Stream', topics: ['a', 'b'] },
  { path: '/group', guard: 'group', answer: 'Subject', topics: ['b', 'c', RARE_TOPIC] },
] as const;

/** Of the EventGateway, but for where its Redis is. */
export const GATEWAY_SPEC = {
  streams: PATHS.map(({ path, guard, topics }) => ({ path, topics, guardRefs: [{ name: guard }] })),
  heartbeat: '1s',
  retry: '100ms',
  replay: { maxEvents: 1_000_000, maxPerStream: 1_000_000 },
  limits: { perSubject: 1_000 },
  drain: { lameDuck: '500ms', window: '1s' },
} as const;

/** What a run has otherwise than the others, field by field of the two specs. */
export interface Variant {
  readonly guard?: (name: string, answer: string) => object;
  readonly gateway?: object;
}

/** What all gateways and ingests of a run are configured with, and the issuers of its tokens. */
export class Deployment {
  readonly file: string;
  readonly secretsDir: string;
  /** Of whoever revokes. */
  readonly credential = randomBytes(24).toString('hex');
  readonly #keys: ReadonlyMap<string, IssuerKey>;
  readonly #variant: Variant;

  constructor(directory: string, keys = newKeys(), variant: Variant = {}) {
    this.#keys = keys;
    this.#variant = variant;
    this.file = join(directory, 'tidegate.yaml');
    this.secretsDir = join(directory, 'secrets');
  }

  get guards(): readonly object[] {
    return PATHS.map(({ guard, answer }) => this.#guard(guard, answer));
  }

  /** @param redisUrl absent: for `dev`, which has its bus in memory, and a credential for revocations of its own */
  async write(redisUrl?: string): Promise<void> {
    const redis = { urlSecretRef: REDIS_SECRET, prefix: REDIS_PREFIX };
    const spec = {
      ...GATEWAY_SPEC,
      ...this.#variant.gateway,
      ...(redisUrl === undefined ? {} : { redis, revocations: { tokenSecretRef: REVOKER_SECRET } }),
    };
    const gateway = { ...document('EventGateway', 'consistency'), spec };
    const file = [...this.guards, gateway].map((each) => JSON.stringify(each));
    await writeFile(this.file, file.join('\n---\n'));
    await mkdir(this.secretsDir, { recursive: true });
    if (redisUrl === undefined) return;
    await this.#writeSecret(REDIS_SECRET, redisUrl);
    await this.#writeSecret(REVOKER_SECRET, this.credential);
  }

  /** For a process elsewhere that mints the same tokens. */
  async writeKeys(file: string): Promise<void> {
    const keys = Array.from(this.#keys, ([guard, { privateKey, ...key }]) => [
      guard,
      { ...key, privateKey: privateKey.export({ format: 'jwk' }) },
    ]);
    await writeFile(file, JSON.stringify(keys), { mode: 0o600 });
  }

  /** With the keys of another. */
  static async withKeys(file: string, directory: string): Promise<Deployment> {
    const keys: [string, Omit<IssuerKey, 'privateKey'> & { privateKey: JsonWebKeyInput['key'] }][] =
      JSON.parse(await readFile(file, 'utf8'));
    return new Deployment(
      directory,
      new Map(
        keys.map(([guard, { privateKey, ...key }]) => [
          guard,
          { ...key, privateKey: createPrivateKey({ key: privateKey, format: 'jwk' }) },
        ]),
      ),
    );
  }

  mint({ guard, subject }: View, from: number, until: number, marks: Partial<TokenMarks> = {}): string {
    const key = this.#keys.get(guard);
    if (key === undefined) throw new TypeError(`there is no guard ${guard}`);
    const iat = Math.floor(from / 1_000);
    return forge(key, { iss: issuer(guard), aud: AUDIENCE, sub: subject, iat, exp: until / 1_000, ...marks });
  }

  async #writeSecret({ name, key }: typeof REDIS_SECRET, text: string): Promise<void> {
    await mkdir(join(this.secretsDir, name), { recursive: true });
    await writeFile(join(this.secretsDir, name, key), text, { mode: 0o600 });
  }

  #guard(name: string, answer: string): object {
    const key = this.#keys.get(name);
    return {
      ...document('JwtGuard', name),
      spec: {
        issuer: issuer(name),
        audiences: [AUDIENCE],
        jwks: { inline: jwks(...(key === undefined ? [] : [key])) },
        challenge: { leadTime: LEAD_TIME, answer },
        ...this.#variant.guard?.(name, answer),
      },
    };
  }
}

export function newKeys(): Map<string, IssuerKey> {
  return new Map(PATHS.map(({ guard }) => [guard, createKey(`${guard}-key`)]));
}

function document(kind: string, name: string): object {
  return { apiVersion: 'tidegate.dev/v1alpha1', kind, metadata: { name } };
}

function issuer(guard: string): string {
  return `https://${guard}.example/`;
}
