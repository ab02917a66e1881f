import type { Entry, Happening, Recipients } from './history.ts';

/** Histories by hand: everything has a default but what the case is about. A step is a millisecond. */
export class ScriptedHistory {
  readonly entries: Entry[] = [];
  now = 1_000;

  record(happening: Happening): this {
    this.now++;
    this.entries.push({ ...happening, at: this.now, wall: this.now });
    return this;
  }

  wait(ms: number): this {
    this.now += ms;
    return this;
  }

  client(client = 'c1', topics: readonly string[] = ['a']): this {
    return this.record({ kind: 'client', client, guard: 'main', subject: 'alice', topics });
  }

  /** Authorised for a minute. */
  open(at: { resume: string } | { head: string } | object, client = 'c1', ttl = 60_000): this {
    return this.authorise(client, ttl).record({ kind: 'opened', client, gateway: 'g1', ...at });
  }

  authorise(client = 'c1', ttl = 60_000): this {
    return this.record({ kind: 'authorised', client, from: this.now, until: this.now + ttl });
  }

  send(ref: string, topic = 'a', to?: Recipients): this {
    const producer = 'p1';
    return this.record({ kind: 'sent', producer, ref, topic, ...(to === undefined ? {} : { to }) });
  }

  acknowledge(ref: string, id: string): this {
    return this.record({ kind: 'acknowledged', producer: 'p1', ref, id });
  }

  /** Sends and has acknowledged: `e3` gets the id `3-0`. */
  publish(...numbers: readonly number[]): this {
    for (const number of numbers) this.send(`e${number}`).acknowledge(`e${number}`, `${number}-0`);
    return this;
  }

  /** The client gets these, as they were published. */
  get(...numbers: readonly number[]): this {
    for (const number of numbers) this.event(`${number}-0`, `e${number}`);
    return this;
  }

  event(id: string, ref: string, client = 'c1'): this {
    return this.record({ kind: 'event', client, id, ref });
  }

  position(id: string, client = 'c1'): this {
    return this.record({ kind: 'position', client, id });
  }

  gap(requested: string, oldest: string | null, client = 'c1'): this {
    return this.record({ kind: 'gap', client, requested, oldest });
  }

  cut(client = 'c1'): this {
    return this.record({ kind: 'cut', client, by: 'peer' });
  }

  end(reason: string, client = 'c1'): this {
    return this.record({ kind: 'ended', client, reason });
  }

  settle(): this {
    return this.record({ kind: 'settled' });
  }
}
