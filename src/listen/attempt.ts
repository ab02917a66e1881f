import type { IncomingMessage } from 'node:http';
import { retryAfterMs } from './backoff.ts';
import { connectFault } from './connect-fault.ts';
import { follow } from './follow.ts';
import type { ListenIo, ListenOptions } from './options.ts';
import type { Outcome } from './outcome.ts';
import { placeName, withoutToken } from './place.ts';
import { readProblem } from './problem.ts';
import { request } from './request.ts';
import type { Silence } from './silence.ts';

/** From the first packet to the stream's headers. */
const CONNECT_MS_MAX = 30_000;

/** What outlives a connection. */
export interface Position {
  lastEventId: string | undefined;
  /** As the server said last. */
  retryMs: number;
}

export interface Attempt {
  readonly outcome: Outcome;
  /** How long a stream was open; `undefined` when none was. */
  readonly openMs: number | undefined;
  /** Whether an event was printed. */
  readonly delivered: boolean;
}

/**
 * Opens the stream once and stays with it to its end: prints its events, answers its challenges, moves `position` on.
 *
 * @throws the reason of `io.signal` when that is why it ended
 */
export async function attempt(
  token: string | undefined,
  position: Position,
  silence: Silence,
  options: ListenOptions,
  io: ListenIo,
): Promise<Attempt> {
  const response = await open(token, position, options, io);
  if ('kind' in response) return unopened(response);
  if (!isStream(response)) return unopened(await refusal(response, token, io));
  const { lastEventId } = position;
  const resuming = lastEventId === undefined ? '' : `, resuming after ${lastEventId}`;
  io.err(`connected to ${placeName(options.url)}${resuming}`);
  return await follow(response, position, silence, options, io);
}

function unopened(outcome: Outcome): Attempt {
  return { outcome, openMs: undefined, delivered: false };
}

async function open(
  token: string | undefined,
  { lastEventId }: Position,
  { url, trust }: ListenOptions,
  { clock, signal }: ListenIo,
): Promise<IncomingMessage | Outcome> {
  const headers = {
    accept: 'text/event-stream',
    'cache-control': 'no-store',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const target = token === undefined ? url : withoutToken(url);
  try {
    const exchange = { ...trust, method: 'GET', url: target, headers, timeoutMs: CONNECT_MS_MAX } as const;
    return await request(exchange, clock, signal);
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'unreachable', why: `could not reach ${placeName(url)}: ${connectFault(error)}` };
  }
}

function isStream({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === 200 && /^text\/event-stream\s*(;|$)/i.test(headers['content-type'] ?? '');
}

async function refusal(response: IncomingMessage, token: string | undefined, io: ListenIo): Promise<Outcome> {
  const afterMs = retryAfterMs(response.headers['retry-after'], io.clock.now());
  if (response.statusCode === 200) {
    response.destroy();
    return { kind: 'refused', problem: { status: 200, text: 'the answer is not an event stream' } };
  }
  const problem = await readProblem(response, io.clock, token);
  const isTransient = problem.status === 429 || problem.status === 408 || problem.status >= 500;
  return isTransient ? { kind: 'unavailable', problem, afterMs } : { kind: 'refused', problem };
}
