import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { startGateway } from '../support/gateway.ts';
import { openStream } from '../support/open-stream.ts';
import { until } from '../support/until.ts';

/** Resolves with what came until the server closed. */
async function talk(port: number, write: (send: (text: string) => void) => void): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part;
  });
  socket.on('error', () => {});
  write((part) => void socket.write(part));
  await once(socket, 'close');
  return text;
}

describe('the public listener', () => {
  it('refuses headers over 16 KiB with 431', async () => {
    await using server = await startGateway();
    const answer = await talk(server.port, (send) =>
      send(`GET /events HTTP/1.1\r\nhost: x\r\nx-much: ${'y'.repeat(17_000)}\r\n\r\n`),
    );
    assert.match(answer, /^HTTP\/1\.1 431 /);
  });

  it('answers what is not HTTP with 400 and closes', async () => {
    await using server = await startGateway();
    assert.match(await talk(server.port, (send) => send('rubbish\r\n\r\n')), /^HTTP\/1\.1 400 /);
  });

  it('ends a session that resets its streams too rapidly, and serves the next', async () => {
    await using server = await startGateway();
    const session = connectHttp2(server.origin);
    session.on('error', () => {});
    let refused = 0;
    const authorization = `Bearer ${server.token()}`;
    for (let i = 0; i < 2_000 && !session.destroyed; i++) {
      const stream = session.request({ ':path': '/events', authorization });
      stream.on('error', () => refused++);
      stream.close(constants.NGHTTP2_CANCEL);
      if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (!session.destroyed)
      await Promise.race([once(session, 'close'), new Promise((r) => setTimeout(r, 30_000).unref())]);
    const ended = session.destroyed || session.closed;
    session.destroy();
    assert.ok(ended, 'the session was ended');
    using stream = await openStream(server.port, '/events', { authorization: `Bearer ${server.token()}` });
    assert.equal(stream.status, 200);
    await until(() => server.gateway.hub.status().connections === 1, 'nothing is left of the reset streams');
  });

  it('serves many streams over one HTTP/2 connection, each ended by itself', async () => {
    await using server = await startGateway();
    const session = connectHttp2(server.origin);
    const open = (token: string) => {
      const stream = session.request({ ':path': '/events', authorization: `Bearer ${token}` });
      let text = '';
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      return { stream, text: () => text, ended: once(stream, 'close') };
    };
    const short = open(server.token({ sub: 'bob' }, 5));
    const long = open(server.token());
    await Promise.all([once(short.stream, 'response'), once(long.stream, 'response')]);
    await server.publish('both');
    await short.ended;
    assert.match(
      short.text(),
      /data:both\n\nevent:end\ndata:\{"reason":"token_expired","reconnect":false\}\n\n$/,
    );
    assert.equal(short.stream.rstCode, constants.NGHTTP2_NO_ERROR, 'END_STREAM, not a reset');
    await server.publish('one');
    while (!long.text().includes('data:one')) await once(long.stream, 'data');
    session.destroy();
  });

  it('answers a challenge over the HTTP/2 connection of its own stream', async () => {
    await using server = await startGateway({ guard: 'challenge: { leadTime: 60s }' });
    const session = connectHttp2(server.origin);
    const stream = session.request({ ':path': '/events', authorization: `Bearer ${server.token({}, 30)}` });
    let text = '';
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    while (!/event:challenge\ndata:.*\n\n/.test(text)) await once(stream, 'data');
    const { headers } = JSON.parse(/event:challenge\ndata:(.*)\n/.exec(text)?.[1] ?? '{}');
    const answer = session.request({
      ':path': '/events',
      ':method': 'POST',
      ...headers,
      authorization: `Bearer ${server.token({}, 600)}`,
    });
    answer.end();
    const [response] = await once(answer, 'response');
    assert.equal(response[':status'], 204);
    session.destroy();
  });

  it('lets an HTTP/2 connection go when nothing is open on it, and not before', async () => {
    await using server = await startGateway({ sessionIdleMs: 100 });
    const session = connectHttp2(server.origin);
    const closed = once(session, 'close');
    const stream = session.request({ ':path': '/events', authorization: `Bearer ${server.token({}, 5)}` });
    await once(stream.resume(), 'close');
    assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    const opened = server.observed.notes.filter((note) => note === 'closed token_expired');
    assert.equal(opened.length, 1, 'the stream lasted for as long as its token');
    await closed;
  });

  it('serves a second request while a stream has been silent for longer than an idle connection lasts', async () => {
    await using server = await startGateway({ sessionIdleMs: 50 });
    const session = connectHttp2(server.origin);
    const goaway = once(session, 'goaway').then(() => 'goaway');
    const stream = session.request({ ':path': '/events', authorization: `Bearer ${server.token()}` });
    await once(stream.resume(), 'response');
    const silence = new Promise((resolve) => setTimeout(resolve, 400, 'silence'));
    assert.equal(await Promise.race([goaway, silence]), 'silence');
    const [response] = await once(session.request({ ':path': '/other' }), 'response');
    assert.equal(response[':status'], 404);
    session.destroy();
  });
});

/** All of them wait for ten seconds and have little to do, so that they do not slow one another down. */
describe('the time that the public listener gives', { concurrency: true }, () => {
  it('closes on headers that never end (slow-loris), while a stream goes on', {
    timeout: 90_000,
  }, async () => {
    await using server = await startGateway();
    using stream = await openStream(server.port, '/events', { authorization: `Bearer ${server.token()}` });
    const started = Date.now();
    const answer = await talk(server.port, (send) => {
      send('GET /events HTTP/1.1\r\nhost: x\r\n');
      const drip = setInterval(() => send('x-a: b\r\n'), 500);
      setTimeout(() => clearInterval(drip), 15_000).unref();
    });
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.ok(Date.now() - started < 20_000);
    await server.publish('unharmed');
    assert.equal((await stream.next('message')).data, 'unharmed');
  });

  it('closes a connection that says nothing', { timeout: 90_000 }, async () => {
    await using server = await startGateway();
    assert.equal(await talk(server.port, () => {}), '');
  });

  it('waits ten seconds for the body of an answer over HTTP/2', { timeout: 90_000 }, async () => {
    await using server = await startGateway();
    const session = connectHttp2(server.origin);
    const headers = {
      ':method': 'POST',
      ':path': '/events',
      'content-type': 'application/x-challenge-response',
    };
    const endless = session.request(headers);
    endless.write('x');
    const [response] = await once(endless, 'response');
    assert.equal(response[':status'], 408);
    session.destroy();
  });
});
