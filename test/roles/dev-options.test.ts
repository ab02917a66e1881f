import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEV_USAGE, parseDevOptions } from '../../src/roles/dev-options.ts';

const LISTEN = ['tls', 'http', 'ingest', 'publish', 'admin', 'revocations'] as const;

describe('parseDevOptions', () => {
  it('binds loopback, and clear text not at all, when nothing is said', () => {
    assert.deepEqual(parseDevOptions([]), {
      file: 'examples/local.yaml',
      stateDir: '.tidegate',
      secretsDir: undefined,
      logLevel: 'info',
      otlpEndpoint: undefined,
      tlsCert: undefined,
      tlsKey: undefined,
      anyRevocationsPort: true,
      listen: {
        tls: { host: '127.0.0.1', port: 7143 },
        http: undefined,
        ingest: { host: '127.0.0.1', port: 7001 },
        publish: { host: '127.0.0.1', port: 7002 },
        admin: { host: '127.0.0.1', port: 7190 },
        revocations: { host: '127.0.0.1', port: 7191 },
      },
    });
  });

  it('takes every flag, before and after the file', () => {
    const options = parseDevOptions([
      ...['--tls-cert', 'c', 'my.yaml', '--tls-key', 'k', '--secrets-dir', 's', '--state-dir=d'],
      ...['--otlp-endpoint', 'http://collector:4318'],
      ...['--log-level', 'debug', ...LISTEN.flatMap((name, at) => [`--listen-${name}`, `[::1]:${at + 1}`])],
    ]);
    const { listen, ...rest } = options;
    assert.deepEqual(rest, {
      file: 'my.yaml',
      stateDir: 'd',
      secretsDir: 's',
      logLevel: 'debug',
      otlpEndpoint: 'http://collector:4318',
      tlsCert: 'c',
      tlsKey: 'k',
      anyRevocationsPort: false,
    });
    for (const [at, name] of LISTEN.entries()) assert.deepEqual(listen[name], { host: '::1', port: at + 1 });
  });

  for (const name of LISTEN) {
    it(`switches ${name} off`, () =>
      assert.equal(parseDevOptions([`--listen-${name}`, 'off']).listen[name], undefined));
  }

  const faults: readonly [string, RegExp, ...string[]][] = [
    ['two files', /^dev takes one FILE$/, 'a', 'b'],
    ['a certificate without its key', /belong together$/, '--tls-cert', 'c'],
    ['a key without its certificate', /belong together$/, '--tls-key', 'k'],
    ['a level that there is not', /^--log-level must be one of/, '--log-level', 'all'],
    ['an address that is none', /^--listen-admin must be \[HOST:\]PORT or off/, '--listen-admin', 'here'],
    ['a flag that there is not', /^Unknown option '--listen-x'$/, '--listen-x', '1'],
  ];
  for (const [what, message, ...args] of faults) {
    it(`refuses ${what}`, () => assert.throws(() => parseDevOptions(args), { name: 'UsageError', message }));
  }

  it('explains every flag that it takes', () => {
    for (const flag of [
      ...LISTEN.map((name) => `listen-${name}`),
      'tls-cert',
      'tls-key',
      'secrets-dir',
      'state-dir',
      'otlp-endpoint',
      'log-level',
    ]) {
      assert.ok(DEV_USAGE.includes(`  --${flag}`) || DEV_USAGE.includes(`, --${flag} `), flag);
    }
  });
});
