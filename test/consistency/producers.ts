import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import { type Endpoint, LOOPBACK, pick } from './client-parts.ts';
import type { History, Recipients } from './history.ts';
import { compareIds } from './ledger.ts';

const TICK_MS = 20;
/** Unanswered lines; beyond, nothing is sent: the ingest holds producers back while the log is away. */
const UNANSWERED_MAX = 256;
const RECONNECT_MS_MAX = 150;
const LARGE_CHANCE = 0.05;
const LARGE_CHARACTERS = 4_000;

export interface ProducerParts {
  readonly name: string;
  readonly history: Pick<History, 'record'>;
  readonly random: Random;
  /** Running or not. */
  readonly ingests: () => readonly Endpoint[];
  readonly address: () => Addressed;
  readonly perSecond: number;
  /** At each tick, that it leaves without waiting for its answers. */
  readonly leaveChance: number;
}

export interface Addressed {
  readonly topic: string;
  readonly to?: Recipients;
}

/**
 * A producer over TCP that gives every line a reference and never repeats one: a line whose connection ended before
 * its answer came has an unknown fate, and the history says so by saying nothing.
 */
export class Producer {
  /** The latest acknowledged event for everybody, by topic: what every client of it has to come to. */
  readonly heads = new Map<string, string>();
  readonly #parts: ProducerParts;
  readonly #unanswered = new Map<string, Addressed>();
  #socket: Socket | undefined;
  #lines = 0;
  #due = 0;
  #stopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(parts: ProducerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Sends no more; resolves when the rest has been answered, or after `limitMs` without. */
  async stop(limitMs: number): Promise<void> {
    this.#stopping = true;
    await this.#done;
    for (let waited = 0; this.#unanswered.size > 0 && waited < limitMs; waited += TICK_MS)
      await wait(TICK_MS);
    this.#socket?.destroy();
  }

  async #run(): Promise<void> {
    const { leaveChance, perSecond, random } = this.#parts;
    let then = performance.now();
    while (!this.#stopping) {
      await wait(TICK_MS);
      const now = performance.now();
      // In bursts, as real producers send; what could not be sent in time is not made up for.
      this.#due = Math.min(this.#due + ((now - then) * perSecond) / 1_000, perSecond);
      then = now;
      if (this.#socket === undefined || this.#socket.destroyed) await this.#connect();
      else if (random() < leaveChance) this.#socket.destroy();
      else if (random() < 0.5) while (this.#due >= 1 && this.#send()) this.#due--;
    }
  }

  #send(): boolean {
    const { address, history, name, random } = this.#parts;
    const socket = this.#socket;
    if (socket?.writable !== true || socket.writableNeedDrain) return false;
    if (this.#unanswered.size >= UNANSWERED_MAX) return false;
    const ref = `${name}.${++this.#lines}`;
    const addressed = address();
    const { topic, to } = addressed;
    history.record({ kind: 'sent', producer: name, ref, ...addressed });
    this.#unanswered.set(ref, addressed);
    const data = random() < LARGE_CHANCE ? `${ref} ${'.'.repeat(LARGE_CHARACTERS)}` : ref;
    const audience = to === undefined ? {} : { to: to.subjects, guard: to.guard };
    socket.write(`${JSON.stringify({ data, topic, ref, ...audience })}\n`);
    return true;
  }

  async #connect(): Promise<void> {
    const { ingests, random } = this.#parts;
    await wait(random() * RECONNECT_MS_MAX);
    const ingest = pick(ingests(), random);
    if (ingest === undefined) return;
    const socket = connect({ port: ingest.port, host: ingest.host ?? LOOPBACK, noDelay: true });
    let rest = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#reply(JSON.parse(line));
    });
    // What ends a connection is told by its `close`, whatever the reason.
    socket.on('error', () => socket.destroy());
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve);
      socket.once('close', () => {
        if (this.#socket === socket) this.#lose();
        resolve();
      });
    });
    if (!socket.destroyed) this.#socket = socket;
  }

  #lose(): void {
    this.#socket = undefined;
    this.#unanswered.clear();
  }

  #reply({ ref, id, error }: { ref?: string; id?: string; error?: { code: string } }): void {
    const { history, name } = this.#parts;
    if (ref === undefined) throw new Error(`${name}: a reply without a reference: ${error?.code}`);
    const addressed = this.#unanswered.get(ref);
    this.#unanswered.delete(ref);
    if (id === undefined) {
      history.record({ kind: 'refused', producer: name, ref, code: error?.code ?? 'no code' });
      return;
    }
    history.record({ kind: 'acknowledged', producer: name, ref, id });
    if (addressed === undefined || addressed.to !== undefined) return;
    const head = this.heads.get(addressed.topic);
    if (head === undefined || compareIds(id, head) > 0) this.heads.set(addressed.topic, id);
  }
}
