import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../../src/core/random.ts';
import { type Gateway, LOOPBACK, pick, problemIn, type Shown } from './client-parts.ts';
import type { Client } from './clients.ts';
import type { Entry, History } from './history.ts';

type Victim = Pick<Client, 'view' | 'path' | 'shown'>;

export interface RevokerParts {
  /** Before the names of its revocations, where there are several. */
  readonly prefix?: string;
  readonly history: Pick<History, 'record'>;
  readonly random: Random;
  /** Whose tokens are revoked. */
  readonly clients: readonly Victim[];
  /** Where streams are, and where revocations are taken: running or not. */
  readonly gateways: () => readonly Gateway[];
  readonly ports: () => readonly Gateway[];
  readonly credential: string;
}

type Revoking = Omit<Extract<Entry, { kind: 'revoking' }>, 'at' | 'wall' | 'kind' | 'revocation' | 'gateway'>;

interface Attempt {
  readonly client: Victim;
  readonly shown: Shown;
  readonly revoking: Revoking;
}

/** A revoked token that is shown again, when every gateway should know. */
interface Trial extends Omit<Attempt, 'revoking'> {
  readonly dueMs: number;
}

/** A client comes back with a fresh token after a second at most, and should be there for a while. */
const PAUSE_MS = { min: 200, max: 1_000 };
/** More than the second that is promised, also when the next revocation waits for an answer. */
const TRIED_AFTER_MS = { min: 1_050, max: 3_000 };
/** More than Redis is waited for. */
const ANSWER_MS_MAX = 5_000;
/** When nobody knows whether it was taken: it is to be taken by the first gateway that is back, before the others are. */
const AGAIN_MS = { min: 10, max: 60 };
/** How often it is said from which instant on tokens are good again. */
const BEFORE_CHANCE = 0.5;
const UNAVAILABLE = 503;

/** Revokes now a subject, now a session, now one token of a client that is there, at whichever gateway. */
export class Revoker implements AsyncDisposable {
  readonly #parts: RevokerParts;
  readonly #stopping = new AbortController();
  #hurrying = new AbortController();
  #asked = 0;
  #trials: Trial[] = [];
  #done: Promise<void> = Promise.resolve();

  constructor(parts: RevokerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Something has just been broken: what is revoked now is what goes missing. */
  hurry(): void {
    this.#hurrying.abort();
  }

  /** Resolves when what it has asked for is answered. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const { random } = this.#parts;
    const { signal } = this.#stopping;
    let unsure: Attempt | undefined;
    while (!signal.aborted) {
      const sooner = AbortSignal.any([signal, this.#hurrying.signal]);
      const pauseMs = within(unsure === undefined ? PAUSE_MS : AGAIN_MS, random);
      await wait(pauseMs, undefined, { signal: sooner }).catch(() => {});
      this.#hurrying = new AbortController();
      if (signal.aborted) return;
      const attempt = unsure ?? this.#next();
      if (attempt !== undefined) {
        const isDone = await this.#revoke(attempt.revoking);
        unsure = isDone ? undefined : attempt;
        const dueMs = performance.now() + within(TRIED_AFTER_MS, random);
        if (isDone) this.#trials.push({ ...attempt, dueMs });
      }
      await this.#try();
    }
  }

  /** Of somebody who is there. */
  #next(): Attempt | undefined {
    const { clients, random } = this.#parts;
    const present = clients.flatMap((client) => {
      const { shown } = client;
      return shown === undefined ? [] : [{ client, shown }];
    });
    const victim = pick(present, random);
    return victim && { ...victim, revoking: targetOf(victim.client, victim.shown, random) };
  }

  /** @returns whether it is done with, one way or the other */
  async #revoke({ guard, by, value, before }: Revoking): Promise<boolean> {
    const { credential, history, ports, prefix = '', random } = this.#parts;
    const port = pick(ports(), random);
    if (port === undefined) return false;
    const revocation = `${prefix}${++this.#asked}`;
    const body = { guard, [by]: value, ...(before === undefined ? {} : { before: before / 1_000 }) };
    const asked = { revocation, gateway: port.name, guard, by, value };
    history.record({ kind: 'revoking', ...asked, ...(before === undefined ? {} : { before }) });
    const { status } = await ask(port, '/revocations', {
      method: 'POST',
      headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    history.record({ kind: 'revoked', revocation, status });
    return status !== 0 && status !== UNAVAILABLE;
  }

  /** At every gateway, all that is due. */
  async #try(): Promise<void> {
    const now = performance.now();
    const due = this.#trials.filter(({ dueMs }) => dueMs <= now);
    this.#trials = this.#trials.filter(({ dueMs }) => dueMs > now);
    const tries = due.flatMap((trial) => this.#parts.gateways().map((gateway) => this.#show(trial, gateway)));
    await Promise.all(tries);
  }

  async #show({ client, shown }: Trial, gateway: Gateway): Promise<void> {
    const { guard, subject } = client.view;
    const from = Date.now();
    const told = await ask(gateway, client.path, { headers: { authorization: `Bearer ${shown.text}` } });
    const { token } = shown;
    this.#parts.history.record({
      ...{ kind: 'tried', gateway: gateway.name, guard, subject, token, from },
      ...told,
    });
  }
}

/** Where an instant is told, it is the second that goes on: a token of it is spared. */
function targetOf({ view }: Victim, { token }: Shown, random: Random): Revoking {
  const { guard, subject } = view;
  const targets = [
    { by: 'subject', value: subject },
    { by: 'session', value: token.sid },
    { by: 'tokenId', value: token.jti },
  ] as const;
  const target = pick(targets, random) ?? targets[0];
  const now = Date.now();
  return { guard, ...target, ...(random() < BEFORE_CHANCE ? { before: now - (now % 1_000) } : {}) };
}

/** What a gateway answers, if it does; a stream is left at once. Nothing is kept alive, which a soak would count. */
async function ask(
  { host = LOOPBACK, port }: Gateway,
  path: string,
  { body, ...options }: { method?: string; headers: OutgoingHttpHeaders; body?: string },
): Promise<{ readonly status: number; readonly code?: string }> {
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const sent = request({ host, port, path, agent: false, signal, ...options });
  sent.on('error', () => sent.destroy());
  try {
    sent.end(body);
    const [response]: IncomingMessage[] = await once(sent, 'response');
    if (response === undefined || response.statusCode === 200) return { status: response?.statusCode ?? 0 };
    return { status: response.statusCode ?? 0, ...problemIn(await text(response)) };
  } catch {
    // Refused, reset or silent.
    return { status: 0 };
  } finally {
    sent.destroy();
  }
}

function within({ min, max }: { min: number; max: number }, random: Random): number {
  return min + random() * (max - min);
}
