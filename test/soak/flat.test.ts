import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compare, table } from './flat.ts';

const MiB = 1024 * 1024;

const CASES: readonly [what: string, name: string, first: number[], last: number[], flat: boolean][] = [
  ['the same', 'heapUsed', [20 * MiB], [20 * MiB], true],
  ['less', 'heapUsed', [20 * MiB], [10 * MiB], true],
  ['a little more', 'heapUsed', [20 * MiB], [20.9 * MiB], true],
  ['two mebibytes more', 'heapUsed', [20 * MiB], [22 * MiB], false],
  ['one peak among few samples', 'heapUsed', [20 * MiB, 20 * MiB], [20 * MiB, 20 * MiB, 40 * MiB], true],
  ['three timers more', 'handle Timeout', [10], [13], true],
  ['four timers more', 'handle Timeout', [10], [14], false],
  ['few samples of pages', 'rss', [100 * MiB], [160 * MiB], true],
  ['few samples of many more pages', 'rss', [100 * MiB], [170 * MiB], false],
  ['a cache that fills', 'TokenCache#grants', [1_000], [2_000], false],
  ['a full cache', 'TokenCache#grants', [10_000], [10_000], true],
];

describe('what a process holds is flat', () => {
  for (const [what, name, first, last, flat] of CASES) {
    it(`${flat ? 'with' : 'not with'} ${what}: ${name}`, () => {
      const window = (values: number[]) => values.map((value) => ({ [name]: value }));
      assert.deepEqual(
        compare(window(first), window(last)).map((row) => row.flat),
        [flat],
      );
    });
  }

  it('not when there is a kind of thing that there was not', () => {
    assert.deepEqual(
      compare([{ rss: 1 }], [{ rss: 1, 'handle TCPSocketWrap': 9 }]).map(({ name, flat }) => [name, flat]),
      [
        ['rss', true],
        ['handle TCPSocketWrap', false],
      ],
    );
  });

  it('never without samples', () => {
    assert.throws(() => compare([], [{ rss: 1 }]), { message: 'a window without samples shows nothing' });
  });

  it('judges resident pages by their peaks: a step within the first window is none between the two', () => {
    const window = (...rss: number[]) => rss.flatMap((each) => new Array(10).fill({ rss: each * MiB }));
    const flat = (first: number[], last: number[]) => compare(window(...first), window(...last))[0]?.flat;
    assert.equal(flat([130, 130, 177], [179, 179, 179]), true);
    assert.equal(flat([130, 130, 177], [179, 179, 200]), false);
  });

  it('is shown as a table, sizes as such', () => {
    const many = (figures: { rss: number; Connection: number }) => new Array(20).fill(figures);
    const rows = compare(many({ rss: 50 * MiB, Connection: 8 }), many({ rss: 90 * MiB, Connection: 8 }));
    assert.equal(
      table('gateway-1', rows),
      [
        'gateway-1      first      last   allowed',
        'rss         50.0 MiB  90.0 MiB  62.0 MiB  NOT FLAT',
        'Connection         8         8        11  flat',
      ].join('\n'),
    );
  });
});
