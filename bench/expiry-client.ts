/**
 * The client of the expiry benchmark, a process of its own: opens N streams on raw sockets and notes for each when its
 * challenge and its end came. It looks at a chunk for two words and does nothing else, since whatever it did would be
 * counted as the server's lateness.
 */
import { connect } from 'node:net';

export type ToExpiryClient = {
  readonly kind: 'open';
  readonly port: number;
  readonly request: string;
  readonly streams: number;
};
export type FromExpiryClient =
  | { readonly kind: 'opened'; readonly at: number }
  | {
      readonly kind: 'ended';
      /** Wall clock, one a stream; NaN where it never came. */
      readonly challengedAt: readonly number[];
      readonly endedAt: readonly number[];
      /** Streams that were closed after their last chunk, not cut off. */
      readonly clean: number;
    };

/** So many connection attempts under way at once. */
const OPENING_MAX = 200;
const LAST_CHUNK = '0\r\n\r\n';

process.on('message', async ({ port, request, streams }: ToExpiryClient) => {
  const challengedAt = new Array<number>(streams).fill(Number.NaN);
  const endedAt = new Array<number>(streams).fill(Number.NaN);
  let clean = 0;
  let open = streams;
  let started = 0;
  const lane = async (): Promise<void> => {
    while (started < streams) await openOne(started++);
  };
  await Promise.all(Array.from({ length: OPENING_MAX }, lane));
  process.send?.({ kind: 'opened', at: Date.now() } satisfies FromExpiryClient);

  /** Resolves when the response's headers have arrived. */
  function openOne(index: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(request));
      let last: Buffer = Buffer.alloc(0);
      socket.once('error', reject);
      socket.once('data', (head: Buffer) => {
        if (head.includes('HTTP/1.1 200')) resolve();
        else reject(new Error(`a stream was refused: ${head.toString('latin1').split('\r\n')[0]}`));
      });
      socket.on('data', (chunk: Buffer) => {
        const now = Date.now();
        if (chunk.includes('event:challenge')) challengedAt[index] = now;
        if (chunk.includes('event:end')) endedAt[index] = now;
        last = chunk;
      });
      socket.once('close', () => {
        if (last.subarray(-LAST_CHUNK.length).includes(LAST_CHUNK)) clean++;
        if (--open === 0) {
          process.send?.({ kind: 'ended', challengedAt, endedAt, clean } satisfies FromExpiryClient);
        }
      });
    });
  }
});
process.on('disconnect', () => process.exit(0));
