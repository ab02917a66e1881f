import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { onPath } from '../support/on-path.ts';
import { noRedis } from '../support/redis/redis-server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const RUN = join(import.meta.dirname, '..', '..', 'bench', 'run.ts');
/** A third of it on two cores that are busy with other things: some start six servers, one after the other. */
const RUNNING_MS_MAX = 240_000;
const TEST_MS_MAX = RUNNING_MS_MAX + 10_000;

const noCc = onPath('cc') ? false : 'cc is missing: install the Debian packages gcc and libc6-dev';
const once = ['--rounds', '1'];

/** Sizes in which a figure says nothing; whether a bench goes through, and leaves what it is to leave, shows. */
const BENCHES: readonly { name: string; args: readonly string[]; samples: number; skip?: string | false }[] =
  [
    {
      name: 'fanout',
      args: [
        '--streams',
        '5',
        '--deliveries',
        '50',
        '--only',
        'floor,tidegate,better-sse,koa-pass-through',
        ...once,
      ],
      samples: 4,
    },
    { name: 'http2', args: ['--streams', '5', '--deliveries', '50', ...once], samples: 4 },
    { name: 'throughput', args: ['--cases', '5x50', '--seconds', '0.5', ...once], samples: 1 },
    { name: 'connects', args: ['--streams', '20', ...once], samples: 5 },
    {
      name: 'selection',
      args: ['--streams', '20', '--deliveries', '100', '--events', '10', ...once],
      samples: 6,
    },
    { name: 'expiry', args: ['--streams', '20', ...once], samples: 2 },
    { name: 'resume', args: ['--streams', '20', '--events', '5', ...once], samples: 3, skip: noRedis },
    { name: 'ingest', args: ['--lines', '1000', ...once], samples: 1, skip: noRedis },
    { name: 'gateways', args: ['--streams', '6', '--deliveries', '60', ...once], samples: 2, skip: noRedis },
  ];

describe('benches', () => {
  for (const { args, name, samples, skip = false } of BENCHES) {
    const options = { skip: noCc || skip, timeout: TEST_MS_MAX };
    it(`${name} runs, and leaves its samples and a table`, options, async (test) => {
      const json = join(await temporaryDirectory(test), 'result.json');
      const { stdout } = await promisify(execFile)(process.execPath, [RUN, name, ...args, '--json', json], {
        timeout: RUNNING_MS_MAX,
      });
      const result = JSON.parse(await readFile(json, 'utf8'));
      assert.equal(result.bench, name);
      assert.equal(result.samples.length, samples);
      assert.match(result.text, /^\| .* \|$/m);
      assert.ok(stdout.includes(result.text));
      assert.match(result.versions, /^Node /);
    });
  }

  it('are told to whoever names none', async () => {
    const running = promisify(execFile)(process.execPath, [RUN, 'nothing']);
    await assert.rejects(running, { code: 2, stderr: /Names: fanout, http2, .*smoke/s });
  });
});
