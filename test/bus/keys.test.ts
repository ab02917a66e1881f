import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createKeys, defaultPrefix, gatewayAcl, ingestAcl } from '../../src/bus/keys.ts';

describe('keys', () => {
  it('all begin with the prefix, and none is another', () => {
    const keys = createKeys('p:');
    const names = Object.values(keys).map((key) => (typeof key === 'string' ? key : key('x')));
    assert.equal(names.length, 14);
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.ok(name.startsWith('p:'));
  });

  it('have by default the hash tag of their gateway', () => {
    assert.equal(defaultPrefix('shop', 'events'), 'tidegate:{shop/events}:');
    assert.equal(defaultPrefix(undefined, 'events'), 'tidegate:{events}:');
  });
});

describe('ACL rules', () => {
  for (const [role, rules] of [
    ['ingest', ingestAcl],
    ['gateway', gatewayAcl],
  ] as const) {
    it(`of ${role} begin with nothing and name keys and channels of the prefix alone`, () => {
      const all = rules('p:');
      assert.deepEqual(
        all.filter((rule) => !/^[+~&]/.test(rule)),
        ['resetkeys', 'resetchannels', '-@all'],
      );
      for (const rule of all.filter((each) => /^[~&]/.test(each))) assert.match(rule, /^.p:\w/);
      assert.ok(all.every((rule) => !rule.startsWith('+@')));
    });

    it(`of ${role} take a prefix for what it says, not for a pattern`, () => {
      const [, log] = rules('a*b?[c]\\ d:');
      assert.equal(log, '~a\\*b\\?\\[c\\]\\\\?d:log');
    });
  }

  it('of ingest know no control channel and no lease', () => {
    assert.doesNotMatch(ingestAcl('p:').join(' '), /control|pod|holders|subscribe|revo|logout/);
  });
});

describe('docs/redis.md', () => {
  const text = readFileSync(new URL('../../docs/redis.md', import.meta.url), 'utf8');

  it('has the ACL rules to paste', () => {
    for (const kind of ['server', 'cluster'] as const) {
      for (const [user, rules] of [
        ['ingest', ingestAcl],
        ['gateway', gatewayAcl],
      ] as const) {
        const line = `user ${user} on >PASSWORD ${rules('tidegate:{default/events}:', kind).join(' ')}`;
        assert.ok(text.includes(`\n${line}\n`), line);
      }
    }
  });

  it('names every key and channel', () => {
    const keys = createKeys('');
    for (const [name, key] of Object.entries(keys)) {
      const shown = typeof key === 'string' ? key : key('…');
      assert.ok(text.includes(`| \`${shown}`), `${name} is missing`);
    }
  });
});
