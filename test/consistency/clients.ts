import { setTimeout as wait } from 'node:timers/promises';
import {
  type ClientParts,
  type Gateway,
  pick,
  RETRY_MS_MAX,
  type Shown,
  TOKEN_LIVES,
} from './client-parts.ts';
import { ClientStream } from './client-stream.ts';
import type { View } from './ledger.ts';

const LIFETIME_MS = { min: 200, max: 3_000 };

/** One logical subscriber: any number of streams, one after the other, each from where the last one left. */
export class Client {
  readonly name: string;
  readonly view: View;
  readonly #parts: ClientParts;
  #lastId: string | undefined;
  #stream: ClientStream | undefined;
  #calm = false;
  readonly #stopping = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.view = parts.view;
    parts.history.record({ kind: 'client', client: parts.name, ...parts.view });
  }

  /** Where it is, while it has an open stream. */
  get place(): string | undefined {
    return this.#stream?.opened === true ? this.#lastId : undefined;
  }

  get path(): string {
    return this.#parts.path;
  }

  /** The last token that it has shown on the stream that is open. */
  get shown(): Shown | undefined {
    return this.#stream?.opened === true ? this.#stream.shown : undefined;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** From now on it leaves no stream by itself, and renews every token. */
  calmDown(): void {
    this.#calm = true;
    this.#stream?.stay();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#stream?.leave();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { gateways, random } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const gateway = pick(gateways(), random);
      const retryMs = gateway === undefined ? RETRY_MS_MAX : await this.#visit(gateway);
      if (!signal.aborted) await wait(Math.ceil(random() * Math.min(retryMs, RETRY_MS_MAX)));
    }
  }

  /** @returns how long the server would have it wait before it comes again */
  async #visit(gateway: Gateway): Promise<number> {
    const { habit, lives = TOKEN_LIVES, random, temper } = this.#parts;
    const stream = new ClientStream(
      this.#parts,
      gateway,
      this.#lastId,
      () => this.#calm || habit === 'answers',
    );
    this.#stream = stream;
    const lifetimeMs = LIFETIME_MS.min + random() * (LIFETIME_MS.max - LIFETIME_MS.min);
    if (temper === 'wanders' && !this.#calm) stream.leaveAfter(lifetimeMs);
    await stream.run(habit === 'long' || this.#calm ? lives.longMs : lives.shortMs, (id) => {
      this.#lastId = id;
    });
    this.#stream = undefined;
    return stream.retryMs;
  }
}
