import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { PublishServer } from '../../src/ingest/publish-server.ts';
import { createIntakeRig } from '../support/intake-parts.ts';
import { request } from '../support/request.ts';
import { until } from '../support/until.ts';

const NDJSON = 'application/x-ndjson';

async function startServer() {
  const rig = createIntakeRig();
  const server = new PublishServer(rig.parts);
  const port = await server.start({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${port}/publish`;
  return {
    ...rig,
    rig,
    port,
    server,
    url,
    post: (body: string, headers: Record<string, string> = {}) =>
      request(url, { method: 'POST', body, headers: { 'content-type': NDJSON, ...headers } }),
    async [Symbol.asyncDispose]() {
      rig.log.mode = 'ready';
      await server.stop();
    },
  };
}

/** A POST whose body is sent piece by piece. */
function openPost(url: string) {
  const post = httpRequest(url, { method: 'POST', headers: { 'content-type': NDJSON } });
  let text = '';
  const response = once(post, 'response').then(([message]: IncomingMessage[]) => {
    message?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    return message;
  });
  post.on('error', () => {});
  response.catch(() => {});
  return { post, response, text: () => text };
}

describe('PublishServer', { timeout: 180_000 }, () => {
  it('replies to each line in its order', async () => {
    await using server = await startServer();
    const answer = await server.post('{"data":"a","ref":"1"}\n\nrubbish\r\n{"data":"b"}');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), NDJSON);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(answer.headers.get('access-control-allow-origin'), null, 'no page may read this');
    assert.equal(
      answer.body,
      `{"ref":"1","id":"1-1"}\n{"error":{"code":"not_json","message":"the line is not JSON","line":3}}\n{"id":"1-2"}\n`,
    );
    assert.deepEqual(server.log.data, ['a', 'b']);
  });

  it('takes nothing for nothing', async () => {
    await using server = await startServer();
    const answer = await server.post('');
    assert.deepEqual([answer.status, answer.body], [200, '']);
  });

  for (const type of [
    NDJSON,
    'application/json',
    'application/jsonl',
    'application/octet-stream',
    'Application/JSON; charset=utf-8',
  ]) {
    it(`takes ${type}`, async () => {
      await using server = await startServer();
      const { body } = await server.post('{"data":"a"}', { 'content-type': type });
      assert.equal(body, '{"id":"1-1"}\n');
    });
  }

  const refusals: readonly [number, string, string, string, Record<string, string>][] = [
    [404, 'not_found', 'POST', '/', {}],
    [404, 'not_found', 'POST', '/publish/', {}],
    [405, 'method_not_allowed', 'GET', '/publish', {}],
    [405, 'method_not_allowed', 'OPTIONS', '/publish', {}],
    [415, 'unsupported_media_type', 'POST', '/publish', { 'content-type': 'text/plain' }],
    [
      415,
      'unsupported_media_type',
      'POST',
      '/publish',
      { 'content-type': 'multipart/form-data; boundary=x' },
    ],
    [
      415,
      'unsupported_media_type',
      'POST',
      '/publish',
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    [400, 'bad_idempotency_key', 'POST', '/publish', { 'idempotency-key': 'a b' }],
    [400, 'bad_idempotency_key', 'POST', '/publish', { 'idempotency-key': '' }],
    [400, 'bad_idempotency_key', 'POST', '/publish', { 'idempotency-key': 'x'.repeat(256) }],
  ];
  for (const [status, code, method, path, headers] of refusals) {
    it(`answers ${method} ${path} ${JSON.stringify(headers).slice(0, 60)} with ${status} ${code}`, async () => {
      await using server = await startServer();
      const body = method === 'POST' ? { body: '{"data":"a"}' } : {};
      const init = { method, ...body, headers: { 'content-type': NDJSON, ...headers } };
      const answer = await request(`http://127.0.0.1:${server.port}${path}`, init);
      assert.deepEqual([answer.status, answer.code], [status, code]);
      assert.equal(answer.headers.get('allow'), status === 405 ? 'POST' : null);
      assert.deepEqual(server.log.data, []);
    });
  }

  it('answers a body without a media type with 415', async () => {
    await using server = await startServer();
    const socket = connect({ port: server.port, host: '127.0.0.1' });
    socket.write(
      'POST /publish HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 12\r\n\r\n{"data":"a"}',
    );
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 415 /);
    socket.destroy();
  });

  it('lets a refusal arrive however much is being sent', async () => {
    await using server = await startServer();
    const body = 'x'.repeat(20_000_000);
    const answer = await request(server.url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain' },
    });
    assert.equal(answer.code, 'unsupported_media_type');
  });

  it('ends after 100 bad lines in a row, and the last reply arrives', async () => {
    await using server = await startServer();
    const { post, response, text } = openPost(server.url);
    post.write('rubbish\n'.repeat(100_000));
    const gone = new Promise((resolve) => post.once('close', resolve));
    await response;
    await until(() => text().includes('too_many_errors'));
    const replies = text().trim().split('\n');
    assert.equal(replies.length, 100);
    assert.match(replies[99] ?? '', /"code":"too_many_errors"/);
    await gone;
  });

  it('takes a big body', async () => {
    await using server = await startServer();
    const lines = 20_000;
    const { body } = await server.post(`{"data":"${'x'.repeat(500)}"}\n`.repeat(lines));
    assert.equal(body.split('\n').length - 1, lines);
    assert.equal(server.log.data.length, lines);
  });

  it('replies to a slow body line by line', async () => {
    await using server = await startServer();
    const { post, response, text } = openPost(server.url);
    post.write('{"data":"a","ref":"1"}\n{"da');
    await response;
    await until(() => text().includes('"ref":"1"'));
    post.write('ta":"b","ref":"2"}\n');
    await until(() => text().includes('"ref":"2"'));
    post.end();
    await once(post, 'close');
  });

  it('reads no more while too many lines have no answer', async () => {
    await using server = await startServer();
    server.log.mode = 'held';
    const { post, response } = openPost(server.url);
    post.end(`{"data":"${'x'.repeat(500)}"}\n`.repeat(60_000));
    await until(() => server.log.waiting >= 1_024);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(server.log.waiting < 4_096, `${server.log.waiting} lines are held`);
    server.log.mode = 'ready';
    while (server.log.waiting > 0) server.log.take();
    await response;
    await until(() => server.log.data.length === 60_000);
  });

  it('publishes what came before a client was gone, and stands it', async () => {
    await using server = await startServer();
    const { post } = openPost(server.url);
    post.write('{"data":"a"}\n{"data":"half');
    await until(() => server.log.data.length === 1);
    post.destroy();
    assert.equal((await server.post('{"data":"b"}')).status, 200);
    assert.deepEqual(server.log.data, ['a', 'b']);
  });

  it('says which line was unavailable', async () => {
    await using server = await startServer();
    server.log.mode = 'away';
    const { body, status } = await server.post('{"data":"a","ref":"1"}\n');
    assert.equal(status, 200);
    assert.match(body, /^\{"ref":"1","error":\{"code":"unavailable","message":".*","line":1\}\}\n$/);
  });

  it('makes keys of Idempotency-Key and the line, unless the line has its own', async () => {
    await using server = await startServer();
    const body = '{"data":1}\nrubbish\n{"data":2,"key":"own"}\n{"data":3}\n';
    for (let sent = 0; sent < 2; sent++) await server.post(body, { 'idempotency-key': 'k' });
    assert.deepEqual(server.log.keys, ['k\n1', 'own', 'k\n4', 'k\n1', 'own', 'k\n4']);
  });

  it('ends what is under way before it stops', async () => {
    await using server = await startServer();
    server.log.mode = 'held';
    const { post, response, text } = openPost(server.url);
    post.end('{"data":"a","ref":"1"}\n');
    await until(() => server.log.waiting === 1);
    const stopped = server.server.stop();
    server.log.take();
    await response;
    await stopped;
    assert.equal(text(), '{"ref":"1","id":"1-1"}\n');
    await assert.rejects(server.post(''), (error: Error) => error.cause !== undefined);
  });
});
