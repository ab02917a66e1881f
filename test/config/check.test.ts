import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkFiles } from '../../src/config/check.ts';
import { faultText } from '../../src/config/fault.ts';
import { FILE_BYTES_MAX, readFileBytes } from '../../src/core/file-bytes.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { gateway, guard } from './documents.ts';

const GUARD = JSON.stringify(guard());
const GATEWAY = JSON.stringify(gateway());

async function check(files: Readonly<Record<string, string | Uint8Array>>): Promise<readonly string[]> {
  const faults = await checkFiles(Object.keys(files), async (file) => {
    const content = files[file];
    return typeof content === 'string' ? Buffer.from(content) : (content ?? new Uint8Array());
  });
  return faults.map(faultText);
}

describe('checkFiles', () => {
  const cases: readonly [string, Readonly<Record<string, string | Uint8Array>>, ...string[]][] = [
    ['accepts a file with guards only', { 'a.yaml': GUARD }],
    ['accepts a guard and its gateway in two files', { 'b.yaml': GATEWAY, 'a.yaml': GUARD }],
    [
      'accepts several gateways',
      { 'a.yaml': `${GUARD}\n---\n${GATEWAY}\n---\n${GATEWAY.replace('local', 'second')}` },
    ],
    [
      'misses a guard that is in no file',
      { 'a.yaml': GATEWAY },
      'a.yaml:1 spec.streams[0].guardRefs[0].name: there is no JwtGuard "example"',
    ],
    [
      'sees a name twice over several files',
      { 'a.yaml': GUARD, 'b.yaml': `\n\n${GUARD}` },
      'b.yaml:3 metadata.name: JwtGuard "example" is already at a.yaml:1',
    ],
    [
      'tells the faults of all files in the order they are given',
      { 'b.yaml': GATEWAY.replace('streams', 'strems'), 'a.yaml': GUARD.replace('issuer', 'isuer') },
      'b.yaml:1 spec.streams: is required',
      'b.yaml:1 spec.strems: unknown field "strems", did you mean "streams"?',
      'a.yaml:1 spec.issuer: is required',
      'a.yaml:1 spec.isuer: unknown field "isuer", did you mean "issuer"?',
    ],
    [
      'says of no guard that it is missing while a file is illegible',
      { 'a.yaml': GATEWAY, 'b.yaml': '@' },
      'b.yaml:1: is not valid YAML: Plain value cannot start with reserved character @',
    ],
    [
      'wants something in a file',
      { 'a.yaml': '# nothing' },
      'a.yaml: must hold a JwtGuard or an EventGateway',
    ],
    [
      'wants UTF-8 and says where it is not',
      {
        'a.yaml': Buffer.concat([
          Buffer.from(`${GUARD}\n# caf`),
          Buffer.from([0xe9, 10]),
          Buffer.from('# x'),
        ]),
      },
      'a.yaml:2: must be UTF-8',
    ],
    [
      'refuses a large file',
      { 'a.yaml': `${GUARD}\n#${' '.repeat(FILE_BYTES_MAX)}` },
      'a.yaml: must be at most 1048576 bytes long',
    ],
  ];
  for (const [what, files, ...faults] of cases) {
    it(what, async () => assert.deepEqual(await check(files), faults));
  }

  it('tells files that cannot be read, and checks a file once that is given twice', async (test) => {
    const directory = await temporaryDirectory(test);
    const good = join(directory, 'good.yaml');
    const missing = join(directory, 'missing.yaml');
    await writeFile(good, GUARD);
    const faults = await checkFiles([missing, good, directory, good], (file) => readFileBytes(file));
    assert.deepEqual(faults.map(faultText), [
      `${missing}: cannot be read: no such file`,
      `${directory}: cannot be read: it is a directory`,
    ]);
  });

  for (const [code, reason] of [
    ['EACCES', 'permission denied'],
    ['EIO', 'EIO'],
  ]) {
    it(`tells ${code} when reading`, async () => {
      const denied = Object.assign(new Error('long text with a path'), { code });
      const faults = await checkFiles(['a.yaml'], () => Promise.reject(denied));
      assert.deepEqual(faults.map(faultText), [`a.yaml: cannot be read: ${reason}`]);
    });
  }
});
