import type { Random } from '../../src/core/random.ts';
import { newKeys, PATHS } from '../consistency/deployment.ts';
import { createKey, type IssuerKey, jwks } from '../support/issuer.ts';
import { JwksServer, json } from '../support/jwks-server.ts';

const REFRESH_INTERVAL = '10s';
/** Every gateway has fetched a new key by then, whatever its jitter. */
const PUBLISHED_MS = 12_000;
/** How often a key is lost rather than replaced in order. */
const SUDDEN_CHANCE = 0.25;

/** The issuers of both guards, which publish their keys by http and replace them. */
export class Issuers implements AsyncDisposable {
  /** What tokens are signed with now. */
  readonly keys: Map<string, IssuerKey> = newKeys();
  rotations = 0;
  readonly #random: Random;
  readonly #servers = new Map<string, JwksServer>();
  readonly #pending = new Set<NodeJS.Timeout>();

  constructor(random: Random) {
    this.#random = random;
  }

  async start(): Promise<void> {
    for (const [guard, key] of this.keys) {
      this.#servers.set(guard, await new JwksServer(json(jwks(key))).start());
    }
  }

  /** Where a guard's keys are, for its configuration. */
  jwks(guard: string): object {
    return { uri: this.#servers.get(guard)?.uri, refreshInterval: REFRESH_INTERVAL };
  }

  /** In order: published, used a while later, the old one published on. Or at once, the old one gone. */
  rotate(): void {
    const { guard } = PATHS[this.rotations++ % PATHS.length] ?? PATHS[0];
    const old = this.keys.get(guard);
    if (old === undefined) throw new TypeError(`there is no guard ${guard}`);
    const key = createKey(`${guard}-key-${this.rotations}`);
    const sudden = this.#random() < SUDDEN_CHANCE;
    const server = this.#servers.get(guard);
    if (server === undefined) throw new TypeError('they have not started');
    server.answer = json(sudden ? jwks(key) : jwks(key, old));
    // What was asked is kept by the double, and this run is long.
    server.requests.length = 0;
    if (sudden) {
      this.keys.set(guard, key);
      return;
    }
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      this.keys.set(guard, key);
    }, PUBLISHED_MS);
    this.#pending.add(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#pending) clearTimeout(timer);
    await Promise.all(Array.from(this.#servers.values(), (server) => server.stop()));
  }
}
