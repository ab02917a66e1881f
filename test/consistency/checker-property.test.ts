import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Random } from '../../src/core/random.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { check } from './checker.ts';
import type { Entry } from './history.ts';
import { maySee } from './ledger.ts';
import { randomHistory } from './random-history.ts';

type Delivered = Extract<Entry, { kind: 'event' }>;

const SEEDS = 60;
const MUTATIONS_PER_HISTORY = 25;

/** What can be done wrong to one delivery; `undefined` where it would change nothing that is promised. */
const MUTATIONS: Readonly<
  Record<string, (entries: readonly Entry[], index: number, event: Delivered) => readonly Entry[] | undefined>
> = {
  'is left out': (entries, index, { ref }) =>
    isAcknowledged(entries, ref) ? entries.toSpliced(index, 1) : undefined,
  'comes twice': (entries, index, event) => entries.toSpliced(index, 0, event),
  'comes again before the run ends': (entries, _index, event) => entries.toSpliced(-1, 0, event),
  'changes places with the next': (entries, index, event) => {
    const next = entries.findIndex(
      (entry, at) => at > index && 'client' in entry && entry.client === event.client,
    );
    const other = entries[next];
    return other?.kind === 'event' ? entries.with(index, other).with(next, event) : undefined;
  },
  'has the id of another': (entries, index, event) => {
    const other = entries.find((entry) => entry.kind === 'acknowledged' && entry.ref !== event.ref);
    return other?.kind === 'acknowledged' ? entries.with(index, { ...event, id: other.id }) : undefined;
  },
  'is one that nobody sent': (entries, index, event) => entries.with(index, { ...event, ref: 'nobody' }),
  'goes to a client that may not see it': (entries, index, event) => {
    const sent = entries.find((entry) => entry.kind === 'sent' && entry.ref === event.ref);
    const to = entries.find(
      (entry) => entry.kind === 'client' && sent?.kind === 'sent' && !maySee(entry, sent),
    );
    return to?.kind === 'client' ? entries.toSpliced(index, 0, { ...event, client: to.client }) : undefined;
  },
  'comes before its stream is open': (entries, index, event) => {
    const opened = entries.findLastIndex(
      (entry, at) => at < index && entry.kind === 'opened' && entry.client === event.client,
    );
    return entries.toSpliced(index, 1).toSpliced(opened, 0, event);
  },
};

describe('the checker, on random histories', () => {
  it('passes the good ones, and those are not trivial', () => {
    const seen = { events: 0, gaps: 0, resumed: 0, positions: 0, unacknowledged: 0 };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations, counts } = check(randomHistory(seededRandom(seed)), { gapsAllowed: true });
      assert.deepEqual(violations, [], `seed ${seed}`);
      for (const name of ['events', 'gaps', 'resumed', 'positions', 'unacknowledged'] as const)
        seen[name] += counts[name];
    }
    for (const [name, count] of Object.entries(seen)) assert.ok(count > SEEDS / 2, `${name}: ${count}`);
  });

  for (const [name, mutate] of Object.entries(MUTATIONS)) {
    it(`catches an event that ${name}`, () => {
      let caught = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        const random = seededRandom(seed);
        const entries = randomHistory(random);
        for (let i = 0; i < MUTATIONS_PER_HISTORY; i++) {
          const [index, event] = pickEvent(entries, random);
          const mutated = mutate(entries, index, event);
          if (mutated === undefined) continue;
          const { violations } = check(mutated, { gapsAllowed: true });
          assert.ok(violations.length > 0, `seed ${seed}, entry ${index}: ${JSON.stringify(event)}`);
          caught++;
        }
      }
      assert.ok(caught > SEEDS, `it was tried ${caught} times`);
    });
  }
});

function pickEvent(entries: readonly Entry[], random: Random): [number, Delivered] {
  for (;;) {
    const index = Math.floor(random() * entries.length);
    const entry = entries[index];
    if (entry?.kind === 'event') return [index, entry];
  }
}

function isAcknowledged(entries: readonly Entry[], ref: string): boolean {
  return entries.some((entry) => entry.kind === 'acknowledged' && entry.ref === ref);
}
