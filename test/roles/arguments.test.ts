import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseArgs } from 'node:util';
import { UsageError } from '../../src/core/coded-error.ts';
import type { ListenAddress } from '../../src/core/listen-address.ts';
import { LOG_LEVELS } from '../../src/core/log.ts';
import { listenAddress, logLevel, seconds, withUsageErrors } from '../../src/roles/arguments.ts';

describe('listenAddress', () => {
  const good: readonly [string, ListenAddress | undefined][] = [
    ['off', undefined],
    ['7143', { host: undefined, port: 7143 }],
    ['0', { host: undefined, port: 0 }],
    ['65535', { host: undefined, port: 65_535 }],
    ['127.0.0.1:7143', { host: '127.0.0.1', port: 7143 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:7143', { host: '::1', port: 7143 }],
    ['[::ffff:10.0.0.1]:1', { host: '::ffff:10.0.0.1', port: 1 }],
  ];
  for (const [text, address] of good) {
    it(`takes ${text}`, () => assert.deepEqual(listenAddress('listen-tls', text), address));
  }

  const bad = [
    '',
    ':',
    ':7143',
    'OFF',
    'x',
    '65536',
    '99999',
    '-1',
    '1.5',
    '0x10',
    '::1:7143',
    '[::1]',
    '[::1]7143',
  ];
  for (const text of [
    ...bad,
    'localhost:',
    'localhost:http',
    'a:b:1',
    '[localhost]:1',
    '7143 ',
    '127.0.0.1:7143\n',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => listenAddress('listen-tls', text), {
        name: 'UsageError',
        message: '--listen-tls must be [HOST:]PORT or off, such as 127.0.0.1:7143',
      });
    });
  }
});

describe('seconds', () => {
  const good: readonly [string, number][] = [
    ['0', 0],
    ['90', 90],
    ['90s', 90],
    ['5m', 300],
    ['2h', 7_200],
    ['007', 7],
  ];
  for (const [text, value] of good) it(`takes ${text}`, () => assert.equal(seconds('ttl', text), value));

  for (const text of ['', 's', '-1', '1.5', '1d', '1H', '1 h', '1h30m', '1e3', '9999999999']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => seconds('ttl', text), {
        name: 'UsageError',
        message: '--ttl must be a duration such as 90s, 5m or 2h',
      });
    });
  }
});

describe('logLevel', () => {
  it('takes every level', () => assert.deepEqual(LOG_LEVELS.map(logLevel), LOG_LEVELS));

  for (const text of ['', 'INFO', 'verbose', 'toString']) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => logLevel(text), UsageError));
  }
});

describe('withUsageErrors', () => {
  it('gives what was parsed', () =>
    assert.equal(
      withUsageErrors(() => 7),
      7,
    ));

  it('says in one sentence what is wrong, without advice about quoting', () => {
    const parse = (...args: string[]) =>
      withUsageErrors(() => parseArgs({ args, options: { sub: { type: 'string' } } }));
    assert.throws(() => parse('--nope'), { name: 'UsageError', message: "Unknown option '--nope'" });
    assert.throws(() => parse('--sub'), {
      name: 'UsageError',
      message: /^Option '--sub <value>' argument missing$/,
    });
    assert.throws(() => parse('--sub', '--x'), {
      name: 'UsageError',
      message: /^Option '--sub' argument is ambiguous$/,
    });
  });
});
