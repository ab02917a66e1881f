import assert from 'node:assert/strict';
import { createParser } from 'eventsource-parser';
import type { EpochMs } from '../../src/core/brand.ts';
import type { WireFormat } from '../../src/stream/frame.ts';
import type { Transport } from '../../src/stream/transport.ts';

export interface Write {
  /** The very Buffer that was handed over. */
  readonly bytes: Buffer;
  readonly at: EpochMs;
}

/** What a client makes of the stream, in the order in which it learns it. */
export type Heard =
  | { readonly kind: 'retry'; readonly ms: number }
  | { readonly kind: 'comment' }
  /** An id without an event. */
  | { readonly kind: 'position'; readonly id: string }
  | { readonly kind: 'event'; readonly id?: string; readonly type?: string; readonly data: string };

/**
 * The peer of a stream: keeps what was written, reads it as a client would, and stops reading when told to.
 * It refuses what no real peer would forgive: ill-formed chunks, half a block, bytes after the end.
 */
export class FakeTransport implements Transport {
  readonly format: WireFormat;
  readonly protocol = 'HTTP/1.1';
  readonly group: number;
  readonly holding: boolean = false;
  readonly writes: Write[] = [];
  readonly heard: Heard[] = [];
  state: 'open' | 'ended' | 'aborted' = 'open';
  /** Writes made while the peer had not taken the ones before. */
  writesWhileStalled = 0;
  flushes = 0;
  readonly #now: () => EpochMs;
  readonly #parser: { feed(text: string): void };
  #takesBytes = Number.POSITIVE_INFINITY;

  constructor(format: WireFormat, now: () => EpochMs, group = 0) {
    this.format = format;
    this.group = group;
    this.#now = now;
    this.#parser = clientOf(this.heard);
  }

  /** The peer takes so many more bytes, and then none until `release`. */
  stall(afterBytes = 0): void {
    this.#takesBytes = afterBytes;
  }

  release(): void {
    this.#takesBytes = Number.POSITIVE_INFINITY;
  }

  flush(): void {
    this.flushes++;
  }

  ready(): boolean {
    return this.#takesBytes >= 0;
  }

  write(bytes: Buffer): void {
    assert.equal(this.state, 'open', 'nothing may be written after the end');
    if (!this.ready()) this.writesWhileStalled++;
    this.#takesBytes -= bytes.length;
    this.writes.push({ bytes, at: this.#now() });
    const text = this.#payload(bytes).toString('utf8');
    assert.ok(text.endsWith('\n\n'), 'a write holds whole blocks');
    this.#parser.feed(text);
  }

  end(bytes: Buffer): void {
    this.write(bytes);
    assert.equal(this.state, 'open', 'a stream ends once');
    this.state = 'ended';
  }

  abort(): void {
    assert.notEqual(this.state, 'aborted', 'a stream is reset once');
    this.state = 'aborted';
  }

  /** Everything written, without the chunks. */
  get text(): string {
    return Buffer.concat(this.writes.map(({ bytes }) => this.#payload(bytes))).toString('utf8');
  }

  /** What was written since the last call. */
  next(): string {
    const text = this.text.slice(this.#read);
    this.#read += text.length;
    return text;
  }
  #read = 0;

  /** The data of every event, the gateway's own among them. */
  get events(): readonly Extract<Heard, { kind: 'event' }>[] {
    return this.heard.filter((heard) => heard.kind === 'event');
  }

  /** The data of the producers' events. */
  get published(): readonly string[] {
    return this.events.filter(({ id }) => id !== undefined).map(({ data }) => data);
  }

  /** Why the stream ended, as its client was told. */
  get endReason(): string | undefined {
    const end = this.events.find(({ type }) => type === 'end');
    if (end === undefined) return undefined;
    const told: { reason: string } = JSON.parse(end.data);
    return told.reason;
  }

  #payload(bytes: Buffer): Buffer {
    return this.format === 'chunked' ? payloadOfChunks(bytes) : bytes;
  }
}

/** @throws AssertionError unless `bytes` are whole chunks (RFC 9112, 7.1) and none of them the last */
export function payloadOfChunks(bytes: Buffer): Buffer {
  const payloads: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1');
    const size = bytes.toString('latin1', at, lineEnd);
    assert.match(size, /^[1-9a-f][0-9a-f]*$/, 'a chunk begins with its size in hexadecimal, not zero');
    const start = lineEnd + 2;
    const end = start + Number.parseInt(size, 16);
    assert.equal(bytes.toString('latin1', end, end + 2), '\r\n', 'a chunk is as long as it says');
    payloads.push(bytes.subarray(start, end));
    at = end + 2;
  }
  return Buffer.concat(payloads);
}

function clientOf(heard: Heard[]): { feed(text: string): void } {
  let id: string | undefined;
  const parser = createParser({
    onError: (error) => assert.fail(error),
    onRetry: (ms) => heard.push({ kind: 'retry', ms }),
    onComment: () => heard.push({ kind: 'comment' }),
    onEvent: ({ id: own, event: type, data }) => {
      heard.push({
        kind: 'event',
        ...(own === undefined ? {} : { id: own }),
        ...(type === undefined ? {} : { type }),
        data,
      });
      id = undefined;
    },
    onId: (value) => {
      id = value;
    },
  });
  return {
    feed(text) {
      // Block by block, so that an id that came without an event is told from one that came with it.
      for (const block of text.split(/(?<=\n\n)/)) {
        parser.feed(block);
        if (id !== undefined) heard.push({ kind: 'position', id });
        id = undefined;
      }
    },
  };
}
