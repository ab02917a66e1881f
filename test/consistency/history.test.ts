import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { seededRandom } from '../support/seeded-random.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { History, readHistory, writeHistory } from './history.ts';
import { randomHistory } from './random-history.ts';

it('a history is read as it was written, one entry a line', async (test) => {
  const file = join(await temporaryDirectory(test), 'history.jsonl');
  const entries = Array.from({ length: 30 }, (_, seed) => randomHistory(seededRandom(seed))).flat();
  await writeHistory(file, entries);
  assert.deepEqual(await readHistory(file), entries);
  const lines = (await readFile(file, 'utf8')).split('\n');
  assert.equal(lines.length, entries.length + 1);
  assert.deepEqual(JSON.parse(lines[7] ?? ''), entries[7]);
});

it('entries carry both clocks and are in the order of the monotonic one', () => {
  const history = new History();
  const before = Date.now();
  for (let i = 0; i < 100; i++) history.record({ kind: 'settled' });
  assert.ok(history.entries.every(({ wall }) => wall >= before && wall <= Date.now()));
  assert.deepEqual(
    history.entries.map(({ at }) => at),
    history.entries.map(({ at }) => at).toSorted((a, b) => a - b),
  );
});
