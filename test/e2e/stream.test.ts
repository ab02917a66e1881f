import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type DevProcess, startDev } from '../support/dev-process.ts';
import { run, without } from './commands.ts';
import { openCurl } from './curl.ts';

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
  'access-control-allow-origin': '*',
} as const;

describe('a stream by curl', { skip: without('curl') }, () => {
  let dev: DevProcess;
  let token: string;
  const publish = (data: string) =>
    run('curl', [
      '-sS',
      ...['-H', 'content-type: application/json', '--data-binary', JSON.stringify({ data })],
      `http://localhost:${dev.ports.publish}/publish`,
    ]);
  const bearer = () => ['-H', `authorization: Bearer ${token}`];

  before(async () => {
    dev = await startDev();
    token = await dev.token('--ttl', '10m');
  });
  after(() => dev?.[Symbol.asyncDispose]());

  for (const { name, flags, statusLine, secure } of [
    { name: 'HTTP/1.1 over TLS', flags: ['--http1.1'], statusLine: 'HTTP/1.1 200 OK', secure: true },
    { name: 'HTTP/2 over TLS', flags: ['--http2'], statusLine: 'HTTP/2 200', secure: true },
    {
      name: 'HTTP/1.1 over TLS 1.2',
      flags: ['--http1.1', '--tls-max', '1.2'],
      statusLine: 'HTTP/1.1 200 OK',
      secure: true,
    },
    { name: 'HTTP/1.1 in clear text', flags: ['--http1.1'], statusLine: 'HTTP/1.1 200 OK', secure: false },
    {
      name: 'HTTP/2 by prior knowledge',
      flags: ['--http2-prior-knowledge'],
      statusLine: 'HTTP/2 200',
      secure: false,
    },
  ]) {
    const origin = () => (secure ? dev.origin : `http://localhost:${dev.ports.clearText}`);

    it(`comes by ${name}, its headers at once`, async () => {
      await using stream = await openCurl(
        ...flags,
        '--cacert',
        dev.certFile,
        ...bearer(),
        `${origin()}/events`,
      );
      assert.equal(stream.statusLine, statusLine);
      for (const [header, value] of Object.entries(HEADERS))
        assert.equal(stream.headers.get(header), value, header);
      assert.equal(stream.headers.get('content-length'), undefined);
      const { id } = JSON.parse((await publish(' zwei\nZeilen 🌊')).out);
      assert.deepEqual(await stream.next('message'), { id, event: undefined, data: ' zwei\nZeilen 🌊' });
      assert.match(
        stream.body(),
        /^retry:(1[5-9]|2[0-5])\d\d\nid:\d+-\d+\n\nid:\d+-\d+\ndata: {2}zwei\ndata:Zeilen 🌊\n\n$/,
      );
    });

    it(`ends by ${name} as it should, with its token`, async () => {
      const brief = await dev.mint(6);
      await using stream = await openCurl(
        ...flags,
        '--cacert',
        dev.certFile,
        '-H',
        `authorization: Bearer ${brief}`,
        `${origin()}/events`,
      );
      const { status } = await stream.ended;
      assert.equal(status, 0, 'the last chunk, or END_STREAM, came');
      assert.equal(stream.messages.at(-1)?.data, '{"reason":"token_expired","reconnect":false}');
    });
  }

  it('resumes with Last-Event-ID on another protocol', async () => {
    const first = JSON.parse((await publish('first')).out).id;
    const second = JSON.parse((await publish('second')).out).id;
    await using stream = await openCurl(
      ...['--http2-prior-knowledge', ...bearer(), '-H', `last-event-id: ${first}`],
      `http://localhost:${dev.ports.clearText}/events`,
    );
    assert.deepEqual(await stream.next('message'), { id: second, event: undefined, data: 'second' });
    assert.match(stream.body(), /^retry:\d+\n\nid:/, 'no position when resuming');
  });

  it('is refused with a reason that curl and browsers can read', async () => {
    for (const { flags, status, code, authenticate } of [
      { flags: [], status: 401, code: 'missing', authenticate: 'Bearer realm="tidegate"' },
      {
        flags: ['-H', 'authorization: Bearer x'],
        status: 401,
        code: 'malformed',
        authenticate: /^Bearer realm="tidegate", error="invalid_token"/,
      },
      {
        flags: ['-H', `authorization: Bearer ${await dev.token('--scope', 'other')}`],
        status: 403,
        code: 'insufficient_scope',
        authenticate: /error="insufficient_scope", scope="events:read"$/,
      },
      {
        flags: ['-H', `authorization: Bearer ${await dev.token('--aud', 'https://other.example')}`],
        status: 401,
        code: 'wrong_audience',
        authenticate: /error="invalid_token"/,
      },
    ]) {
      await using refused = await openCurl('--cacert', dev.certFile, ...flags, `${dev.origin}/events`);
      assert.equal(refused.statusLine, `HTTP/2 ${status}`);
      assert.equal((await refused.ended).status, 0);
      assert.equal(JSON.parse(refused.body()).code, code);
      assert.equal(refused.headers.get('content-type'), 'application/problem+json');
      assert.equal(refused.headers.get('access-control-allow-origin'), '*');
      assert.equal(refused.headers.get('access-control-expose-headers'), 'www-authenticate, retry-after');
      const told = refused.headers.get('www-authenticate') ?? '';
      if (typeof authenticate === 'string') assert.equal(told, authenticate);
      else assert.match(told, authenticate);
    }
  });
});
