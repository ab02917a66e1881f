import type { Entry, Happening, Recipients, Token } from './history.ts';

/** What is shown when a case says nothing else: issued in the second in which histories begin. */
export const TOKEN: Token = { jti: 't1', sid: 's1', issuedAt: 1_000 };
/** Of the same session, issued in the next second. */
export const FRESH: Token = { jti: 't2', sid: 's1', issuedAt: 2_000 };

/** Histories by hand: everything has a default but what the case is about. A step is a millisecond. */
export class ScriptedHistory {
  readonly entries: Entry[] = [];
  now = 1_000;
  #revocations = 0;

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
  open(at: { resume: string } | { head: string } | object, client = 'c1', ttl = 60_000, token = TOKEN): this {
    return this.authorise(client, ttl, token).record({ kind: 'opened', client, gateway: 'g1', ...at });
  }

  authorise(client = 'c1', ttl = 60_000, token = TOKEN): this {
    return this.record({ kind: 'authorised', client, from: this.now, until: this.now + ttl, token });
  }

  /** A fresh token for the open stream, and what became of it. */
  answer(status: number, until = 5_000, token = FRESH): this {
    return this.record({ kind: 'answering', client: 'c1', gateway: 'g2', until, token }).record({
      kind: 'answered',
      client: 'c1',
      until,
      status,
    });
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

  /** By its session, unless the case says otherwise. */
  revoke(
    status = 204,
    {
      by = 'session',
      value = TOKEN.sid,
      guard = 'main',
      ...more
    }: { by?: 'subject' | 'session' | 'tokenId'; value?: string; guard?: string; before?: number } = {},
  ): this {
    const revocation = `r${++this.#revocations}`;
    return this.record({ kind: 'revoking', revocation, gateway: 'g1', guard, by, value, ...more }).record({
      kind: 'revoked',
      revocation,
      status,
    });
  }

  /** Ended as it was revoked, and back with a fresh token. */
  comeBack(resume: string): this {
    this.end('revoked').cut().wait(1_000);
    const token = { ...FRESH, jti: 't3', issuedAt: this.now - (this.now % 1_000) };
    return this.open({ resume }, 'c1', 60_000, token);
  }

  /** A token of the client's, shown once more. */
  tryAgain(status: number, code?: string, token = TOKEN): this {
    const told = { status, ...(code === undefined ? {} : { code }) };
    const from = this.now;
    return this.record({
      kind: 'tried',
      gateway: 'g2',
      guard: 'main',
      subject: 'alice',
      token,
      from,
      ...told,
    });
  }

  /** Gateways can not reach Redis for so long, and some may not for another second. */
  outOfReach(ms: number): this {
    const fault = { kind: 'fault', name: 'redis', recoveryMs: 1_000 } as const;
    return this.record({ ...fault, phase: 'begin' })
      .wait(ms)
      .record({ ...fault, phase: 'end' });
  }

  settle(): this {
    return this.record({ kind: 'settled' });
  }
}
