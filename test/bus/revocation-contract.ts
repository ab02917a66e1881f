import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { RevocationStore } from '../../src/bus/revocation-store.ts';
import { epochMs } from '../../src/core/brand.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Revocation } from '../../src/core/revocation.ts';
import { Revocations } from '../../src/guard/revocations.ts';
import { eventually } from '../support/eventually.ts';

export interface RevocationRig {
  /** The store of one process; where there can be only one process, the same one. */
  connect(): Promise<RevocationStore>;
}

/** As many as the stores of the rigs may hold. */
export const MAX = 50;

export const LONG_MS = 3_600_000;
const now = () => systemClock.now();

/** @param name told apart by its letters, padded to a hash's length */
export function revocation(name: string, forMs = LONG_MS, before = now()): Revocation {
  return { key: name.padEnd(43, '_'), before, expiresAt: epochMs(now() + forMs) };
}

export function followed(store: RevocationStore): Promise<Revocations> {
  const held = new Revocations(systemClock);
  return store.follow(held).then(() => held);
}

export function names(held: Revocations): readonly string[] {
  return held
    .all()
    .map(({ key }) => key.replace(/_+$/, ''))
    .toSorted();
}

/** What every store of revocations promises. `open` makes a rig with an empty store that ends with the test. */
export function revocationContract(
  name: string,
  open: (test: TestContext) => Promise<RevocationRig>,
  skip: string | false = false,
): void {
  describe(`${name}, the contract of revocations`, { skip }, () => {
    it('is empty to begin with, and knows that', async (test) => {
      const store = await (await open(test)).connect();
      assert.deepEqual(names(await followed(store)), []);
      assert.ok(store.ageMs() < 10_000);
    });

    it('has them in force here when they are stored', async (test) => {
      const store = await (await open(test)).connect();
      const held = await followed(store);
      assert.equal(await store.put([revocation('a'), revocation('b')]), 'stored');
      assert.deepEqual(names(held), ['a', 'b']);
    });

    it('gives whoever follows later all that there is, before it says so', async (test) => {
      const rig = await open(test);
      const first = await rig.connect();
      for (let i = 0; i < MAX; i += 10) {
        await first.put(Array.from({ length: 10 }, (_, j) => revocation(`n${i + j}`)));
      }
      assert.equal(names(await followed(await rig.connect())).length, MAX);
    });

    it('widens what it has, and never narrows it', async (test) => {
      const rig = await open(test);
      const store = await rig.connect();
      const [early, late] = [
        revocation('a', 60_000, epochMs(1_000)),
        revocation('a', 120_000, epochMs(2_000)),
      ];
      for (const each of [early, late, early]) assert.equal(await store.put([each]), 'stored');
      const held = await followed(await rig.connect());
      assert.deepEqual(held.all(), [late]);
    });

    it('has no use for one whose tokens are dead', async (test) => {
      const rig = await open(test);
      const store = await rig.connect();
      assert.equal(await store.put([revocation('short', 300), revocation('a')]), 'stored');
      await eventually(async () => assert.deepEqual(names(await followed(await rig.connect())), ['a']));
    });

    it('refuses all of what is too much, and goes on with what it has', async (test) => {
      const rig = await open(test);
      const store = await rig.connect();
      const held = await followed(store);
      await store.put(Array.from({ length: MAX - 1 }, (_, i) => revocation(`n${i}`)));
      assert.equal(await store.put([revocation('a'), revocation('b')]), 'full');
      assert.equal(names(held).length, MAX - 1);
      assert.equal(await store.put([revocation('a')]), 'stored');
      assert.equal(await store.put([revocation('a', LONG_MS * 2)]), 'stored', 'not one more');
      assert.equal(await store.put([revocation('b')]), 'full');
    });

    it('has room again when some are dead', async (test) => {
      const store = await (await open(test)).connect();
      await store.put(Array.from({ length: MAX }, (_, i) => revocation(`n${i}`, 300)));
      await eventually(async () => assert.equal(await store.put([revocation('a')]), 'stored'));
    });

    it('takes under a key what came first alone, and that again', async (test) => {
      const rig = await open(test);
      const [store, other] = [await rig.connect(), await rig.connect()];
      const once = { key: 'id', mark: 'first', forMs: LONG_MS };
      assert.equal(await store.put([revocation('a')], once), 'stored');
      assert.equal(await other.put([revocation('b')], { ...once, mark: 'second' }), 'repeated');
      const held = await followed(other);
      assert.deepEqual(names(held), ['a']);
      assert.equal(await other.put([revocation('a')], once), 'stored');
      assert.equal(await other.put([revocation('a', LONG_MS * 2)], once), 'stored', 'widened');
      assert.deepEqual(names(held), ['a']);
      assert.equal(await store.put([revocation('b')], { ...once, key: 'other', mark: 'second' }), 'stored');
    });

    it('does not count what it could not take', async (test) => {
      const store = await (await open(test)).connect();
      await store.put(Array.from({ length: MAX }, (_, i) => revocation(`n${i}`, 300)));
      const once = { key: 'id', forMs: LONG_MS };
      const outcomes = new Set<string>();
      await eventually(async () => {
        // Each has a mark of its own: had one before counted, this would be another one.
        const outcome = await store.put([revocation('a')], { ...once, mark: `${outcomes.size}` });
        outcomes.add(outcome);
        assert.equal(outcome, 'stored');
      });
      assert.ok(!outcomes.has('repeated'));
    });

    it('forgets after its time that something counted', async (test) => {
      const store = await (await open(test)).connect();
      const once = { key: 'id', forMs: 200 };
      await store.put([revocation('a')], { ...once, mark: 'first' });
      await eventually(async () =>
        assert.equal(await store.put([revocation('b')], { ...once, mark: 'second' }), 'stored'),
      );
    });
  });
}
