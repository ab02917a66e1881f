import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAULTS_MAX, type Fault, faultText, pathText, sortFaults } from '../../src/config/fault.ts';

describe('faultText', () => {
  const cases: readonly [Fault, string][] = [
    [
      {
        file: 'examples/local.yaml',
        line: 14,
        path: 'spec.challenge.leadTime',
        rule: 'must be a duration such as 10s',
      },
      'examples/local.yaml:14 spec.challenge.leadTime: must be a duration such as 10s',
    ],
    [{ file: 'a.yaml', line: 3, path: '', rule: 'is not valid YAML' }, 'a.yaml:3: is not valid YAML'],
    [{ file: 'a.yaml', path: '', rule: 'must be UTF-8' }, 'a.yaml: must be UTF-8'],
  ];
  for (const [fault, text] of cases) it(text, () => assert.equal(faultText(fault), text));
});

describe('pathText', () => {
  const cases: readonly [readonly PropertyKey[], string][] = [
    [[], ''],
    [['spec', 'streams', 0, 'path'], 'spec.streams[0].path'],
    [['metadata', 'labels', 'a.b/c'], 'metadata.labels["a.b/c"]'],
    [['a\nb'], '["a\\nb"]'],
    [['x'.repeat(70)], `["${'x'.repeat(64)}"]`],
  ];
  for (const [path, text] of cases) it(JSON.stringify(text), () => assert.equal(pathText(path), text));
});

describe('sortFaults', () => {
  const fault = (file: string, line?: number, rule = ''): Fault =>
    line === undefined ? { file, path: '', rule } : { file, line, path: '', rule };

  it('goes by file as given, then by line, and keeps what was found first first', () => {
    const faults = [fault('b', 1), fault('a'), fault('a', 9, 'x'), fault('a', 9, 'y'), fault('a', 2)];
    assert.deepEqual(sortFaults(faults, ['a', 'b']), [
      fault('a', 2),
      fault('a', 9, 'x'),
      fault('a', 9, 'y'),
      fault('a'),
      fault('b', 1),
    ]);
  });

  it('says how many more there are past its limit', () => {
    const faults = Array.from({ length: FAULTS_MAX + 7 }, (_, index) => fault('a', index + 1));
    const sorted = sortFaults(faults, ['a']);
    assert.equal(sorted.length, FAULTS_MAX + 1);
    assert.deepEqual(sorted.at(-1), fault('a', undefined, 'and 7 more faults'));
  });
});
