import { createParser } from 'eventsource-parser';
import { CodedError } from '../core/coded-error.ts';
import type { Hearing } from './silence.ts';

/** The largest event that a gateway can be configured to carry is 16 MiB; a line break in it takes no more than itself. */
const BLOCK_CHARS_MAX = 20 * 1024 * 1024;

/** What a stream tells its client (WHATWG HTML, 9.2.6); comments count as a sign of life only. */
export type StreamMessage =
  | { readonly kind: 'event'; readonly id: string | undefined; readonly type: string; readonly data: string }
  /** The last event id is now this one; comes before the event of the same block. */
  | { readonly kind: 'position'; readonly id: string }
  | { readonly kind: 'retry'; readonly ms: number };

export class StreamError extends CodedError<'block_too_large'> {}

/**
 * Parses bytes as they come, in order. The next bytes are asked for only when all messages of the last ones have been
 * taken, so whoever takes slowly makes the server see a slow client instead of filling memory here.
 * Ends with the bytes; what lacks its blank line by then is dropped.
 *
 * @throws {StreamError} on a block that no gateway can have sent
 */
export async function* readMessages(
  bytes: AsyncIterable<Uint8Array>,
  hearing: Hearing,
): AsyncGenerator<StreamMessage, void, void> {
  let messages: StreamMessage[] = [];
  let tooLarge = false;
  const parser = createParser({
    maxBufferSize: BLOCK_CHARS_MAX,
    onId: (id) => messages.push({ kind: 'position', id }),
    onEvent: ({ id, event = 'message', data }) => messages.push({ kind: 'event', id, type: event, data }),
    onRetry: (ms) => messages.push({ kind: 'retry', ms }),
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') tooLarge = true;
    },
  });
  // The parser strips the byte order mark; two of them are not to be stripped.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for await (const chunk of bytes) {
    hearing.heard();
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* messages;
    if (tooLarge)
      throw new StreamError('block_too_large', 'the server sent an event of more than 20 Mi characters');
    messages = [];
    hearing.listening();
  }
}
