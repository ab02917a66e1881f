import type { IncomingMessage } from 'node:http';
import { RESERVED_EVENT_TYPES } from '../core/event.ts';
import { Answers } from './answers.ts';
import type { Attempt, Position } from './attempt.ts';
import { readMessages, StreamError, type StreamMessage } from './event-stream.ts';
import { isResumable } from './last-event-id.ts';
import type { ListenIo, ListenOptions } from './options.ts';
import { type Outcome, parseEnd } from './outcome.ts';
import { renderJson, renderText, visible } from './render.ts';
import type { Silence } from './silence.ts';

/**
 * Stays with an open stream to its end: prints its events, answers its challenges, moves `position` on.
 *
 * @throws the reason of `io.signal` when that is why it ended
 */
export async function follow(
  response: IncomingMessage,
  position: Position,
  silence: Silence,
  options: ListenOptions,
  io: ListenIo,
): Promise<Attempt> {
  const openedMs = io.clock.monotonicMs();
  const answers = new Answers(options, io);
  let stalled = false;
  let delivered = false;
  const hearing = silence.watch(() => {
    stalled = true;
    response.destroy();
  });
  const done = (outcome: Outcome): Attempt => ({
    outcome,
    openMs: io.clock.monotonicMs() - openedMs,
    delivered,
  });
  try {
    for await (const message of readMessages(response, hearing)) {
      const end = await take(message, position, answers, options, io);
      if (end !== undefined) return done(end);
      delivered ||= message.kind === 'event' && !RESERVED_EVENT_TYPES.has(message.type);
      io.signal.throwIfAborted();
    }
    return done({ kind: 'lost', why: 'the server closed the connection' });
  } catch (error) {
    io.signal.throwIfAborted();
    if (stalled) return done({ kind: 'lost', why: `nothing heard for ${silence.limitMs / 1000} s` });
    // What has no code is no fault of the network but ours.
    if (!(error instanceof Error && 'code' in error)) throw error;
    return done({
      kind: 'lost',
      why: error instanceof StreamError ? error.message : 'the connection was lost',
    });
  } finally {
    hearing.stop();
    silence.ended(stalled);
    response.destroy();
    await answers.stop();
  }
}

/** @returns how the stream ended, if this message ends it */
async function take(
  message: StreamMessage,
  position: Position,
  answers: Answers,
  options: ListenOptions,
  io: ListenIo,
): Promise<Outcome | undefined> {
  switch (message.kind) {
    case 'position':
      // What no header can carry cannot be resumed from; the empty id takes the position back (WHATWG HTML, 9.2.6).
      position.lastEventId = isResumable(message.id) ? message.id : undefined;
      return undefined;
    case 'retry':
      position.retryMs = message.ms;
      return undefined;
    case 'event':
      break;
  }
  switch (message.type) {
    case 'challenge':
      answers.begin(message.data);
      return undefined;
    case 'end':
      return parseEnd(message.data);
    case 'gap':
      io.err(`some events were lost: ${visible(message.data)}`);
      if (!options.json) return undefined;
  }
  await io.out(options.json ? renderJson(message) : renderText(message));
  return undefined;
}
