import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Configuration, parseConfiguration } from '../../src/config/configuration.ts';
import { highestGeneration, withGenerations } from '../../src/config/generations.ts';
import { gateway, guard } from './documents.ts';

/** A gateway with these guards, by name and issuer. */
function configuration(issuers: Readonly<Record<string, string>>, uid?: string): Configuration {
  const guards = Object.entries(issuers).map(([name, issuer]) =>
    Object.assign({}, guard({ issuer }), { metadata: uid === undefined ? { name } : { name, uid } }),
  );
  const open = gateway({ streams: [{ path: '/', public: true }] });
  const text = [open, ...guards].map((document) => JSON.stringify(document)).join('\n---\n');
  const parsed = parseConfiguration(text, 'f');
  assert.ok(parsed.ok);
  return parsed.configuration;
}

function load(...loads: readonly Configuration[]): readonly Readonly<Record<string, number>>[] {
  let before: Configuration | undefined;
  let highest = 1;
  return loads.map((now) => {
    before = withGenerations(now, before, highest);
    highest = Math.max(highest, highestGeneration(before));
    return Object.fromEntries([...before.guards].map(([name, { generation }]) => [name, generation]));
  });
}

describe('withGenerations', () => {
  it('starts at 1, rises with a change of the spec, stays without', () => {
    const loads = load(
      configuration({ a: 'x', b: 'x' }),
      configuration({ a: 'y', b: 'x' }),
      configuration({ b: 'x', a: 'y' }),
      configuration({ a: 'x', b: 'x' }),
    );
    assert.deepEqual(loads, [
      { a: 1, b: 1 },
      { a: 2, b: 1 },
      { b: 1, a: 2 },
      { a: 3, b: 1 },
    ]);
  });

  it('never gives a guard that comes back a generation that it had', () => {
    const loads = load(
      configuration({ a: 'x' }),
      configuration({ a: 'y' }),
      configuration({}),
      configuration({ a: 'z' }),
      configuration({}),
      configuration({ a: 'z', b: 'x' }),
    );
    assert.deepEqual(loads, [{ a: 1 }, { a: 2 }, {}, { a: 3 }, {}, { a: 4, b: 4 }]);
  });

  it('takes another uid for another document', () => {
    assert.deepEqual(load(configuration({ a: 'x' }), configuration({ a: 'x' }, 'other')), [
      { a: 1 },
      { a: 2 },
    ]);
  });
});
