import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';

const ANSWER = 'application/x-challenge-response';
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const get = (path: string, token: string) =>
  `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`;

/** Sends bytes as they are; resolves with what has come once `enough` matches or the server has closed. */
function exchange(port: number, bytes: string, enough = /$^/): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  return new Promise((resolve) => {
    const done = () => {
      resolve(text);
      socket.destroy();
    };
    socket.setTimeout(5_000, done);
    socket.on('error', () => {});
    socket.on('close', done);
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
      if (enough.test(text)) done();
    });
    socket.write(bytes, 'latin1');
  });
}

describe('a request that is no good HTTP', () => {
  for (const [name, bytes, status, code] of [
    ['rubbish', 'rubbish\r\n\r\n', 400, 'bad_request'],
    ['no Host', 'GET /events HTTP/1.1\r\n\r\n', 400, 'bad_request'],
    ['a target that is no URL', 'GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n', 400, 'bad_request'],
    [
      '17 KiB of headers',
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(17_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['17 KiB of URL', `GET /?${'y'.repeat(17_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431, 'headers_too_large'],
  ] as const) {
    it(`is told so by a problem that a page can read: ${name}`, async () => {
      await using server = await startGateway();
      const answer = await exchange(server.port, bytes, /\}\n$/);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(answer, /^content-type: application\/problem\+json\r$/im);
      assert.match(answer, /^access-control-allow-origin: \*\r$/im);
      assert.match(answer, new RegExp(`"status":${status},"code":"${code}"`));
      assert.deepEqual(
        server.observed.notes.filter((note) => note.startsWith('rejected')),
        [`rejected ${code}`],
      );
    });
  }

  it('with an expectation that nobody knows is served all the same', async () => {
    await using server = await startGateway();
    const bytes = get('/events', server.token()).replace('\r\n\r\n', '\r\nexpect: something\r\n\r\n');
    assert.match(await exchange(server.port, bytes, /\n\n/), /^HTTP\/1\.1 200 /);
  });

  it('over HTTP/2 with 17 KiB of headers is 431 too', async () => {
    await using server = await startGateway();
    const session = connectHttp2(server.origin);
    const stream = session.request({ ':path': '/events', x: 'y'.repeat(17_000) });
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 431);
    session.destroy();
  });
});

describe('two Authorization headers', () => {
  it('that differ are refused, whichever would have been good', async () => {
    await using server = await startGateway();
    const [good, other] = [server.token(), server.token({ sub: 'mallory' })];
    for (const [first, second, status] of [
      [good, other, 400],
      [good, good, 200],
    ] as const) {
      const bytes = get('/events', first).replace('\r\n\r\n', `\r\nauthorization: Bearer ${second}\r\n\r\n`);
      const answer = await exchange(server.port, bytes, /\n\n|\}\n$/);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      if (status === 400) assert.match(answer, /"code":"conflicting_tokens"/);
    }
  });
});

describe('requests in one packet (pipelining)', () => {
  it('never get a stream in front of the answer to an earlier one', async () => {
    const gateway =
      'streams: [{ path: /events, guardRefs: [{ name: main }] }, { path: /news, public: true }]';
    await using server = await startGateway({ gateway });
    // A signature is verified for the first, nothing for the second, which is so judged before it.
    const bytes = get('/events', server.token({ aud: 'x' })) + get('/news', '');
    const answer = await exchange(server.port, bytes, /"pipelined"\}\n/);
    const heads = answer.match(/^HTTP\/1\.1 \d+|"code":"\w+"/gm);
    assert.deepEqual(heads, [
      'HTTP/1.1 401',
      '"code":"wrong_audience"',
      'HTTP/1.1 400',
      '"code":"pipelined"',
    ]);
    assert.equal(server.gateway.hub.status().connections, 0);
  });

  it('never get two streams over one connection', async () => {
    await using server = await startGateway();
    const opened = () => server.observed.notes.filter((note) => note === 'opened /events').length;
    await exchange(
      server.port,
      get('/events', server.token({ jti: '1' })) + get('/events', server.token({ jti: '2' })),
      /\n\n/,
    );
    assert.equal(opened(), 1);
  });
});

describe('a body that is not wanted', () => {
  it('is refused while it is still coming, in chunks, with an answer that arrives', async () => {
    await using server = await startGateway();
    const head = `POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: ${ANSWER}\r\ntransfer-encoding: chunked\r\n\r\n`;
    const answer = await exchange(server.port, `${head}800\r\n${'x'.repeat(2048)}\r\n`, /\}\n$/);
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /^connection: close\r$/im);
  });

  it('over HTTP/2 is answered, then stopped', async () => {
    await using server = await startGateway();
    const session = connectHttp2(server.origin);
    const stream = session.request({ ':path': '/events', ':method': 'POST', 'content-type': ANSWER });
    stream.write('x'.repeat(2048));
    const closed = once(stream, 'close');
    const [headers] = await once(stream, 'response');
    stream.resume();
    await closed;
    assert.equal(headers[':status'], 413);
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    session.destroy();
  });

  it('that breaks off is nobody’s fault but the client’s', async () => {
    const lines: string[] = [];
    await using server = await startGateway({ log: (line) => lines.push(line) });
    const head = `POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: ${ANSWER}\r\ncontent-length: 9\r\n\r\nabc`;
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    socket.write(head, () => socket.destroy());
    await once(socket, 'close');
    assert.equal((await request(`${server.origin}/other`)).status, 404);
    assert.deepEqual(
      server.observed.notes.filter((note) => note.startsWith('rejected')),
      ['rejected not_found'],
    );
    assert.ok(!lines.some((line) => line.includes('failed')));
  });
});

describe('several guards', () => {
  const TWO = {
    guard: 'credentials: { query: "" }, challenge: { leadTime: 60s, answer: Subject }',
    more: { second: 'credentials: { header: false }, challenge: { leadTime: 60s, answer: Subject }' },
  };

  it('of one path each take a token only where they accept one', async () => {
    const gateway = 'streams: [{ path: /events, guardRefs: [{ name: main }, { name: second }] }]';
    await using server = await startGateway({ ...TWO, gateway });
    const main = server.token();
    const second = server.token({ iss: 'https://second.example/' });
    for (const [name, path, headers, status] of [
      ['main by header', '/events', bearer(main), 200],
      ['second by query', `/events?access_token=${second}`, {}, 200],
      ['main by query', `/events?access_token=${main}`, {}, 401],
      ['second by header', '/events', bearer(second), 401],
    ] as const) {
      using stream = await openStream(server.port, path, headers);
      assert.equal(stream.status, status, name);
    }
  });

  it('of several paths: an answer counts on any of them', async () => {
    const streams =
      '[{ path: /one, guardRefs: [{ name: main }] }, { path: /two, guardRefs: [{ name: second }] }]';
    await using server = await startGateway({ ...TWO, gateway: `streams: ${streams}` });
    using one = await openStream(server.port, '/one', bearer(server.token({}, 30)));
    await one.next('challenge');
    const post = (path: string, token: string) =>
      request(`${server.origin}${path}`, {
        method: 'POST',
        headers: { 'content-type': ANSWER, ...bearer(token) },
      });
    assert.equal((await post('/two', server.token({}, 100))).status, 204);
    assert.equal((await post('/nowhere', server.token({}, 200))).status, 204);
    assert.equal((await post('/two', server.token({ iss: 'x' }, 300))).code, 'wrong_issuer');
  });
});

describe('the log of a refusal', () => {
  it('names the guard and the code, and nothing of the request', async () => {
    const lines: string[] = [];
    await using server = await startGateway({
      guard: 'credentials: { cookie: session }',
      gateway:
        'cors: { origins: ["https://app.example"] }, streams: [{ path: /events, guardRefs: [{ name: main }] }]',
      log: (line) => lines.push(line),
    });
    const secret = 'very-secret-subject';
    const expired = server.token({ sub: secret, jti: secret }, -5);
    for (const [path, headers] of [
      ['/events', bearer(expired)],
      [`/events?access_token=${expired}`, {}],
      ['/events', { cookie: `session=${expired}` }],
      [`/events?topic=${secret}`, bearer(server.token({ sub: secret }))],
      [`/${secret}?x=${secret}`, bearer(expired)],
    ] as const) {
      await request(`${server.origin}${path}`, { headers });
    }
    const told = lines.filter((line) => line.includes('request refused')).map((line) => JSON.parse(line));
    assert.deepEqual(
      told.map(({ guard, code }) => [guard, code]),
      [...Array(3).fill(['main', 'expired']), ['main', 'topic_forbidden'], [undefined, 'not_found']],
    );
    const log = lines.join('');
    for (const part of [secret, 'access_token', ...expired.split('.')]) assert.ok(!log.includes(part), part);
  });
});
