import { type Clock, sleep } from '../core/clock.ts';
import { jitter, type Random } from '../core/random.ts';
import type { AskPod } from './ask-pod.ts';
import type { GatewayPod } from './gateway-pods.ts';
import { type PodReport, SILENT } from './pod-report.ts';

const QUICK_MS = 250;
/** After a change, pods are asked quickly for so long. */
const QUICK_FOR_MS = 30_000;
const SLOW_MS = 10_000;
const SLOW_JITTER = 0.2;
const ASKED_AT_ONCE_MAX = 32;

export interface PodPollParts {
  readonly ask: AskPod;
  readonly clock: Clock;
  readonly random: Random;
  /** Of a gateway, by its key, those that hold streams. */
  readonly podsOf: (gateway: string) => readonly GatewayPod[];
  /** Whether some guard of the gateway is still to be enforced by some pod. */
  readonly isWaiting: (gateway: string) => boolean;
  /** A pod of the gateway says something else than before. */
  readonly onChange: (gateway: string) => void;
}

interface Round {
  /** By monotonic time. */
  quickUntilMs: number;
  wake: AbortController;
}

/**
 * Asks the pods of each gateway what they enforce, again and again: quickly for a while after a change as long as
 * somebody waits for it, otherwise slowly.
 */
export class PodPoll {
  readonly #parts: PodPollParts;
  readonly #rounds = new Map<string, Round>();
  readonly #reports = new Map<string, PodReport>();
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;

  constructor(parts: PodPollParts) {
    this.#parts = parts;
  }

  /** What the pod, with the program that runs in it now, said last. What it once enforced it goes on to. */
  report(pod: GatewayPod): PodReport {
    return this.#reports.get(reportKey(pod)) ?? SILENT;
  }

  /** Something has changed that pods should take up: they are asked from now on, at once and quickly. */
  follow(gateway: string): void {
    const quickUntilMs = this.#parts.clock.monotonicMs() + QUICK_FOR_MS;
    const round = this.#rounds.get(gateway);
    if (round !== undefined) {
      round.quickUntilMs = quickUntilMs;
      round.wake.abort();
      return;
    }
    if (this.#stop.signal.aborted) return;
    const created = { quickUntilMs, wake: new AbortController() };
    this.#rounds.set(gateway, created);
    const running = this.#go(gateway, created).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** The gateway is gone. */
  forget(gateway: string): void {
    const round = this.#rounds.get(gateway);
    this.#rounds.delete(gateway);
    round?.wake.abort();
  }

  /** The pod is gone. */
  forgetPod(pod: GatewayPod): void {
    for (const key of this.#reports.keys()) if (key.startsWith(`${pod.uid} `)) this.#reports.delete(key);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const next of this.#waiting.splice(0)) next();
    await Promise.all(this.#running);
  }

  async #go(gateway: string, round: Round): Promise<void> {
    const { clock, isWaiting, onChange, podsOf, random } = this.#parts;
    const isOver = () => this.#stop.signal.aborted || this.#rounds.get(gateway) !== round;
    while (!isOver()) {
      // Before asking: what changes meanwhile is asked for once more.
      round.wake = new AbortController();
      const changed = await Promise.all(podsOf(gateway).map((pod) => this.#ask(pod)));
      if (isOver()) return;
      if (changed.includes(true)) onChange(gateway);
      const isQuick = clock.monotonicMs() < round.quickUntilMs && isWaiting(gateway);
      const pauseMs = isQuick ? QUICK_MS : jitter(SLOW_MS, SLOW_JITTER, random);
      const ended = AbortSignal.any([this.#stop.signal, round.wake.signal]);
      // Ended early is all that a rejection says.
      await sleep(clock, pauseMs, ended).catch(() => undefined);
    }
  }

  /** @returns whether it says something else than before, apart from its number of streams */
  async #ask(pod: GatewayPod): Promise<boolean> {
    const { ip } = pod;
    if (ip === undefined) return false;
    const key = reportKey(pod);
    await this.#turn();
    try {
      if (this.#stop.signal.aborted) return false;
      const answer = await this.#parts.ask({ ip }, this.#stop.signal);
      if (this.#stop.signal.aborted) return false;
      const before = this.#reports.get(key);
      const after = 'guards' in answer ? answer : { ...(before ?? SILENT), fault: answer.fault };
      this.#reports.set(key, after);
      return before === undefined || !isSame(before, after);
    } finally {
      this.#asking -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    while (this.#asking >= ASKED_AT_ONCE_MAX && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    }
    this.#asking += 1;
  }
}

/** A program that starts anew in a pod begins with nothing in force. */
function reportKey({ uid, restarts }: GatewayPod): string {
  return `${uid} ${restarts}`;
}

function isSame(a: PodReport, b: PodReport): boolean {
  return text(a) === text(b);
}

function text({ guards, fault }: PodReport): string {
  return JSON.stringify([[...guards], fault]);
}
