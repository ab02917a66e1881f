import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import Koa from 'koa';
import { epochMs } from '../../src/core/brand.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createClearListener, type Listener } from '../../src/http/clear-listener.ts';
import { createDevPages, type PublishReply } from '../../src/http/dev-pages.ts';
import { createProtocols } from '../../src/http/protocols.ts';
import { problem, Refusal } from '../../src/http/refusal.ts';
import type { TokenRequest } from '../../src/http/token-request.ts';

const MINTED = { token: 'a.b.c', expiresAt: epochMs(1_700_000_030_000) };
const JSON_TYPE = { 'content-type': 'application/json' };

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sends the body in chunks, without telling its length first. */
  readonly chunked?: boolean;
}

interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

describe('development pages', () => {
  let listener: Listener;
  let port: number;
  const minted: TokenRequest[] = [];
  const published: string[] = [];
  let reply: PublishReply = { id: '1-0' };

  before(async () => {
    const app = new Koa();
    app.use(async (ctx, next) => {
      try {
        await next();
      } catch (error) {
        assert.ok(error instanceof Refusal);
        ctx.status = error.status;
        ctx.set(error.headers);
        ctx.body = problem(error);
      }
    });
    app.use(
      createDevPages({
        mint: async (request) => {
          minted.push(request);
          return MINTED;
        },
        publish: async (event) => {
          published.push(event.toString());
          return reply;
        },
      }),
    );
    app.use((ctx) => {
      ctx.status = 418;
    });
    listener = createClearListener(createProtocols(app, systemClock), systemClock, 100);
    port = await listener.start({ host: '127.0.0.1', port: 0 });
  });
  after(() => {
    listener.close();
    listener.destroy();
  });

  async function send({ method = 'POST', path = '/dev/token', headers = {}, body = '', chunked }: Sent = {}) {
    const length = chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request({
      port,
      host: '127.0.0.1',
      method,
      path,
      agent: false,
      headers: { host: `localhost:${port}`, ...length, ...headers },
    });
    outgoing.on('error', () => {
      // A refused body is not read to its end; what counts is the answer.
    });
    outgoing.end(body);
    const [response] = await once(outgoing, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    const received: Received = { status: response.statusCode, headers: response.headers, text };
    for (const name of Object.keys(received.headers)) assert.doesNotMatch(name, /^access-control-/);
    return received;
  }

  async function refuses(sent: Sent, status: number, code: string): Promise<Received> {
    const calls = minted.length + published.length;
    const received = await send(sent);
    assert.equal(received.status, status, received.text);
    assert.equal(JSON.parse(received.text).code, code);
    assert.equal(minted.length + published.length, calls, 'nothing was minted or published');
    return received;
  }

  describe('files', () => {
    const types = {
      '/': 'text/html; charset=utf-8',
      '/index.html': 'text/html; charset=utf-8',
      '/page.css': 'text/css; charset=utf-8',
      '/page.js': 'text/javascript; charset=utf-8',
      '/icon.svg': 'image/svg+xml',
    };
    for (const [path, type] of Object.entries(types)) {
      it(`serves ${path}`, async () => {
        const got = await send({ method: 'GET', path });
        assert.equal(got.status, 200);
        assert.equal(got.headers['content-type'], type);
        assert.notEqual(got.text, '');
        const head = await send({ method: 'HEAD', path });
        assert.equal(head.status, 200);
        assert.equal(head.text, '');
        assert.equal(head.headers['content-length'], String(Buffer.byteLength(got.text)));
      });
    }

    it('lets them load nothing from elsewhere and nothing inline, and be framed and kept by nobody', async () => {
      const { headers } = await send({ method: 'GET', path: '/' });
      const policy = String(headers['content-security-policy']).split('; ');
      for (const directive of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]) {
        assert.ok(policy.includes(directive), directive);
      }
      assert.doesNotMatch(policy.join(), /unsafe|\*|https?:/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['referrer-policy'], 'no-referrer');
    });

    it('are found by a link from elsewhere, as any page is', async () => {
      const { status } = await send({
        method: 'GET',
        path: '/',
        headers: { 'sec-fetch-site': 'cross-site' },
      });
      assert.equal(status, 200);
    });

    it('are read only', async () => {
      const { headers } = await refuses({ method: 'PUT', path: '/page.js' }, 405, 'method_not_allowed');
      assert.equal(headers.allow, 'GET, HEAD');
    });

    for (const path of [
      '/page.jsx',
      '/page',
      '/../package.json',
      '/%2e%2e/package.json',
      '//page.js',
      '/dev',
      '/dev/',
    ]) {
      it(`passes ${path} on`, async () => assert.equal((await send({ method: 'GET', path })).status, 418));
    }
  });

  describe('place', () => {
    const paths = ['/', '/page.js', '/dev/token', '/dev/events'];
    const foreign = [
      'evil.example',
      'localhost.evil.example',
      'evil.localhost',
      'localhost.',
      'localhost:1:2',
      'localhost, evil.example',
      'evil.example@localhost',
      '127.0.0.1.evil.example',
      '127.1',
      '0.0.0.0',
      '2130706433',
      '[::ffff:127.0.0.1]',
      '[::1',
    ];
    for (const host of foreign) {
      it(`is not "${host}"`, async () => {
        for (const path of paths) {
          const method = path.startsWith('/dev') ? 'POST' : 'GET';
          await refuses({ path, method, headers: { ...JSON_TYPE, host }, body: '{}' }, 403, 'foreign_host');
        }
      });
    }

    for (const host of ['localhost', 'LOCALHOST:7143', '127.0.0.1:7143', '[::1]:7143']) {
      it(`may be ${host}`, async () => {
        const { status } = await send({ headers: { ...JSON_TYPE, host }, body: '{}' });
        assert.equal(status, 200);
      });
    }

    it('is told by :authority in HTTP/2', async () => {
      const session = connect(`http://127.0.0.1:${port}`);
      try {
        const status = async (authority: string): Promise<unknown> => {
          const stream = session.request({ ':path': '/', ':authority': authority });
          const [headers] = await once(stream, 'response');
          stream.resume();
          await once(stream, 'close');
          return headers[':status'];
        };
        assert.equal(await status('evil.example'), 403);
        assert.equal(await status(`localhost:${port}`), 200);
      } finally {
        session.destroy();
      }
    });
  });

  describe('site', () => {
    const origins = [
      'https://evil.example',
      'http://localhost',
      'http://localhost:1',
      'null',
      'http://evil.localhost',
    ];
    for (const origin of origins) {
      it(`is not ${origin}`, async () => {
        for (const path of ['/dev/token', '/dev/events']) {
          await refuses({ path, headers: { ...JSON_TYPE, origin }, body: '{}' }, 403, 'foreign_origin');
        }
      });
    }

    it('is not the same origin under another scheme', async () => {
      const origin = `https://localhost:${port}`;
      await refuses({ headers: { ...JSON_TYPE, origin }, body: '{}' }, 403, 'foreign_origin');
    });

    for (const site of ['cross-site', 'same-site', 'none']) {
      it(`is not ${site}`, async () => {
        const origin = `http://localhost:${port}`;
        const headers = { ...JSON_TYPE, origin, 'sec-fetch-site': site };
        await refuses({ headers, body: '{}' }, 403, 'foreign_origin');
      });
    }

    it('is its own', async () => {
      const headers = { ...JSON_TYPE, origin: `http://localhost:${port}`, 'sec-fetch-site': 'same-origin' };
      assert.equal((await send({ headers, body: '{}' })).status, 200);
    });
  });

  describe('body', () => {
    const types = [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'text/plain; charset=application/json',
      'application/jsonp',
      'application/x-ndjson',
    ];
    for (const type of types) {
      it(`is not ${type}`, async () => {
        for (const path of ['/dev/token', '/dev/events']) {
          await refuses({ path, headers: { 'content-type': type }, body: '{}' }, 415, 'not_json');
        }
      });
    }

    it('has a type', async () => {
      await refuses({ body: '{}' }, 415, 'not_json');
    });

    for (const chunked of [false, true]) {
      it(`is 64 KiB at most${chunked ? ', also in chunks' : ''}`, async () => {
        const filled = (bytes: number): string => `{"data":"${'x'.repeat(bytes - 11)}"}`;
        const sent = { path: '/dev/events', headers: JSON_TYPE, chunked };
        await refuses({ ...sent, body: filled(65_537) }, 413, 'too_large');
        assert.equal((await send({ ...sent, body: filled(65_536) })).status, 200);
      });
    }

    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
      it(`is not sent by ${method}`, async () => {
        for (const path of ['/dev/token', '/dev/events']) {
          const { status, headers } = await send({ method, path, headers: JSON_TYPE, body: '' });
          assert.equal(status, 405);
          assert.equal(headers.allow, 'POST');
        }
      });
    }
  });

  describe('POST /dev/token', () => {
    const cases: readonly [string, TokenRequest][] = [
      ['{}', {}],
      ['{"ttl":30}', { ttlSeconds: 30 }],
      ['{"sub":"bob","scope":"a b","ttl":86400}', { sub: 'bob', scope: 'a b', ttlSeconds: 86_400 }],
      ['{"scope":""}', { scope: '' }],
    ];
    for (const [body, request] of cases) {
      it(`mints for ${body}`, async () => {
        const received = await send({
          headers: { 'content-type': 'Application/JSON; charset=utf-8' },
          body,
        });
        assert.equal(received.status, 200);
        assert.deepEqual(JSON.parse(received.text), MINTED);
        assert.equal(received.headers['cache-control'], 'no-store');
        assert.deepEqual(minted.at(-1), request);
      });
    }

    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"ttl":30}}',
      Buffer.from('{"sub":"\xff"}', 'latin1'),
    ]) {
      it(`refuses ${JSON.stringify(body.toString())}, which is no JSON object`, async () => {
        await refuses({ headers: JSON_TYPE, body }, 400, 'bad_json');
      });
    }

    const bad: readonly [string, string][] = [
      ['{"ttl":0}', 'ttl must be a whole number of seconds from 1 to 86400'],
      ['{"ttl":86401}', 'ttl must be a whole number of seconds from 1 to 86400'],
      ['{"ttl":1.5}', 'ttl must be a whole number of seconds from 1 to 86400'],
      ['{"ttl":"30"}', 'ttl must be a whole number of seconds from 1 to 86400'],
      ['{"sub":1}', 'sub must be a string'],
      ['{"scope":["a"]}', 'scope must be a string'],
      ['{"tll":30}', 'the fields are sub, scope and ttl'],
      ['{"__proto__":{"ttl":30}}', 'the fields are sub, scope and ttl'],
    ];
    for (const [body, detail] of bad) {
      it(`refuses ${body}: ${detail}`, async () => {
        const { text } = await refuses({ headers: JSON_TYPE, body }, 400, 'bad_token_request');
        assert.equal(JSON.parse(text).detail, detail);
      });
    }
  });

  describe('POST /dev/events', () => {
    it('publishes the body as it was sent', async () => {
      const body = '{"data": {"price": 1.10}, "event":"tick", "topic":"events", "to":"bob", "guard":"g"}';
      reply = { id: '1700000000000-3' };
      const received = await send({ path: '/dev/events', headers: JSON_TYPE, body });
      assert.equal(received.status, 200);
      assert.deepEqual(JSON.parse(received.text), { id: '1700000000000-3' });
      assert.equal(published.at(-1), body);
    });

    it('says why an event is refused', async () => {
      reply = { error: { code: 'reserved_event', message: 'the type is reserved' } };
      const received = await send({
        path: '/dev/events',
        headers: JSON_TYPE,
        body: '{"data":"x","event":"end"}',
      });
      assert.equal(received.status, 400);
      const { code, detail } = JSON.parse(received.text);
      assert.deepEqual(
        { code, detail },
        { code: 'bad_event', detail: 'reserved_event: the type is reserved' },
      );
    });
  });
});
