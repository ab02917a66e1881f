import { sleep } from '../core/clock.ts';
import { type Challenge, ChallengeError, parseChallenge } from './challenge.ts';
import { connectFault } from './connect-fault.ts';
import type { ListenIo, ListenOptions } from './options.ts';
import { withoutToken } from './place.ts';
import { type Problem, readProblem } from './problem.ts';
import { request } from './request.ts';
import { type RenewableToken, TokenSourceError } from './token-source.ts';

/** The server that owns the stream is given 1 s by the one that is asked. */
const ANSWER_MS_MAX = 5_000;
const REPEATS_MAX = 3;
const REPEAT_MS = 300;
const TOKEN_RETRY_MS = 1_000;

/**
 * Answers one challenge: a fresh token, then the request that was asked for, repeated where that is safe. What came of
 * it is told on standard error; an answer that fails ends nothing, the stream goes on until its token expires.
 *
 * @param data the challenge as it came
 * @param signal aborted when the stream has ended or has sent another challenge
 * @throws whatever `signal` has as its reason
 */
export async function answerChallenge(
  data: string,
  options: ListenOptions,
  io: ListenIo,
  signal: AbortSignal,
): Promise<void> {
  const { tokens } = options;
  if (!tokens.renewable) {
    return io.err(
      'challenged, but there is no --token-command or --token-file: the stream ends with its token',
    );
  }
  try {
    const challenge = parseChallenge(data);
    const token = await freshToken(tokens, io, signal);
    const refusal = await send(challenge, token, options, io, signal);
    io.err(refusal === undefined ? 'challenge answered' : `challenge not answered: ${refusal}`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ChallengeError || error instanceof TokenSourceError)) throw error;
    io.err(`challenge not answered: ${error.message}`);
  }
}

async function freshToken(tokens: RenewableToken, io: ListenIo, signal: AbortSignal): Promise<string> {
  try {
    return await tokens.fresh(signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TokenSourceError)) throw error;
    io.err(`${error.message}; repeating in ${TOKEN_RETRY_MS / 1000} s`);
  }
  await sleep(io.clock, TOKEN_RETRY_MS, signal);
  return await tokens.fresh(signal);
}

/** @returns why it was refused, or `undefined` when it was not */
async function send(
  challenge: Challenge,
  token: string,
  options: ListenOptions,
  io: ListenIo,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let repeat = 0; ; repeat++) {
    const result = await exchange(challenge, token, options, io, signal);
    if (result.status === 204) return undefined;
    if (!isRepeatable(result.status) || repeat === REPEATS_MAX) return result.text;
    const afterMs = REPEAT_MS * 2 ** repeat;
    io.err(`challenge not answered yet: ${result.text}; repeating in ${afterMs / 1000} s`);
    await sleep(io.clock, afterMs, signal);
  }
}

/** 0: no answer at all. */
function isRepeatable(status: number): boolean {
  return status === 0 || status === 429 || status >= 500;
}

async function exchange(
  challenge: Challenge,
  token: string,
  options: ListenOptions,
  io: ListenIo,
  signal: AbortSignal,
): Promise<Pick<Problem, 'status' | 'text'>> {
  const { method } = challenge;
  const headers = { ...challenge.headers, authorization: `Bearer ${token}` };
  const url = withoutToken(options.url);
  try {
    const response = await request(
      { ...options.trust, method, url, headers, timeoutMs: ANSWER_MS_MAX },
      io.clock,
      signal,
    );
    return await readProblem(response, io.clock, token);
  } catch (error) {
    signal.throwIfAborted();
    return { status: 0, text: connectFault(error) };
  }
}
