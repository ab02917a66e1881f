import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { bind } from '../../src/core/bind.ts';

describe('bind', () => {
  it('tells the port that the system chose', async (test) => {
    const server = createServer();
    test.after(() => server.close());
    const port = await bind(server, 'test', { host: '127.0.0.1', port: 0 });
    assert.ok(port > 0 && port < 65_536);
  });

  it('binds all addresses without a host', async (test) => {
    const server = createServer();
    test.after(() => server.close());
    assert.ok((await bind(server, 'test', { host: undefined, port: 0 })) > 0);
  });

  it('says in one sentence that another program uses the port', async (test) => {
    const first = createServer();
    test.after(() => first.close());
    const port = await bind(first, 'first', { host: '127.0.0.1', port: 0 });
    await assert.rejects(bind(createServer(), 'admin', { host: '127.0.0.1', port }), {
      name: 'UnreachableError',
      code: 'unreachable',
      message: `the admin listener can't bind 127.0.0.1:${port}: another program uses it`,
    });
  });

  // RFC 5737 and RFC 3849: addresses that no machine has.
  const faults: readonly [string, RegExp][] = [
    ['192.0.2.1', /^the test listener can't bind 192\.0\.2\.1:0: this machine has no such address$/],
    ['2001:db8::1', /^the test listener can't bind \[2001:db8::1\]:0: /],
  ];
  for (const [host, message] of faults) {
    it(`says what is wrong with ${host}`, async () => {
      await assert.rejects(bind(createServer(), 'test', { host, port: 0 }), { message });
    });
  }

  it('can be tried again with the same server', async (test) => {
    const server = createServer();
    test.after(() => server.close());
    await assert.rejects(bind(server, 'test', { host: '192.0.2.1', port: 0 }));
    assert.ok((await bind(server, 'test', { host: '127.0.0.1', port: 0 })) > 0);
  });
});
