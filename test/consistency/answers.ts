import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import { type Gateway, LOOPBACK } from './client-parts.ts';

const ATTEMPTS_MAX = 5;
const PAUSE_MS = 50;
const ANSWER_MS_MAX = 3_000;
const UNAVAILABLE = 503;

export interface AnswerRequest {
  readonly first: Gateway;
  readonly gateways: () => readonly Gateway[];
  readonly path: string;
  /** As the challenge has them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly token: string;
  readonly random: Random;
}

/**
 * Answers a challenge, again and elsewhere where it is not known whether the owner heard: that is safe to repeat.
 *
 * @returns the status; 0 when it may have been applied although no gateway said so
 */
export async function postAnswer(answer: AnswerRequest): Promise<number> {
  let unknown = false;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const all = answer.gateways();
    const gateway = attempt === 0 ? answer.first : all[Math.floor(answer.random() * all.length)];
    const status = gateway === undefined ? 0 : await post(gateway, answer);
    if (status === 204) return status;
    if (status !== 0 && status !== UNAVAILABLE) return unknown ? 0 : status;
    unknown = true;
    await wait(PAUSE_MS);
  }
  return 0;
}

async function post(
  { host = LOOPBACK, port }: Gateway,
  { path, headers, token }: AnswerRequest,
): Promise<number> {
  try {
    const response = await fetch(`http://${host}:${port}${path}`, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    // Refused, reset or silent: all the same to a client.
    return 0;
  }
}
