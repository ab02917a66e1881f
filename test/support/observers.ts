import type { GuardObserver } from '../../src/guard/observer.ts';
import type { HttpObserver } from '../../src/http/observer.ts';
import type { StreamObserver } from '../../src/stream/observer.ts';

/** Observers that write down what they are told, such as `closed token_expired`. */
export interface Observed {
  readonly notes: string[];
  readonly stream: StreamObserver;
  readonly http: HttpObserver;
  readonly guard: GuardObserver;
}

export function observe(): Observed {
  const notes: string[] = [];
  const note = (name: string) => (first?: unknown, second?: unknown) =>
    void notes.push([name, first, second].filter((part) => typeof part === 'string').join(' '));
  return {
    notes,
    stream: {
      opened: note('opened'),
      closed: note('closed'),
      aborted: note('aborted'),
      challenge: note('challenge'),
      expiryError: note('expiryError'),
      received: note('received'),
      delivered: note('delivered'),
      replayed: note('replayed'),
      gap: note('gap'),
      latency: note('latency'),
    },
    http: { rejected: note('rejected'), answered: note('answered'), answerRefused: note('answerRefused') },
    guard: { fetched: note('fetched'), cached: note('cached') },
  };
}
