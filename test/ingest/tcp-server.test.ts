import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { TcpServer } from '../../src/ingest/tcp-server.ts';
import { createIntakeRig } from '../support/intake-parts.ts';
import { connectProducer, type Producer } from '../support/producer.ts';
import { until } from '../support/until.ts';

async function startServer() {
  const rig = createIntakeRig();
  const server = new TcpServer(rig.parts);
  const port = await server.start({ host: '127.0.0.1', port: 0 });
  return {
    ...rig,
    rig,
    port,
    server,
    connect: () => connectProducer(port),
    async [Symbol.asyncDispose]() {
      rig.log.mode = 'ready';
      await server.stop();
    },
  };
}

/** `ref`, or `code@line`, of each reply. */
function told(producer: Producer): readonly string[] {
  return producer.replies().map(({ error, ref }) => (error ? `${error.code}@${error.line}` : `${ref}`));
}

describe('TcpServer', { timeout: 180_000 }, () => {
  it('is silent on success, replies to a reference, and goes on after a bad line', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    producer.socket.write('{"data":"a"}\r\nrubbish\n{"data":"b","ref":"7"}\n');
    await producer.told(2);
    assert.deepEqual(told(producer), ['not_json@2', '7']);
    assert.equal(producer.replies()[1]?.id, '1-2');
    assert.deepEqual(server.log.data, ['a', 'b']);
    producer.socket.write('{"data":"c","ref":"8"}\n');
    await producer.told(3);
  });

  it('takes a last line without its end, and tells the outcome of all before it ends', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    server.log.mode = 'held';
    producer.socket.end('{"data":"a","ref":"1"}\n{"data":"b","ref":"2"}');
    await until(() => server.log.waiting === 2);
    assert.deepEqual(told(producer), []);
    server.log.take();
    server.log.take();
    assert.equal(await producer.ended, true);
    assert.deepEqual(told(producer), ['1', '2']);
  });

  it('takes a line byte by byte', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    producer.socket.setNoDelay(true);
    for (const byte of Buffer.from('{"data":"€","ref":"1"}\n')) {
      producer.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await producer.told(1);
    assert.deepEqual(server.log.data, ['€']);
  });

  it('closes after 100 bad lines in a row; the last reply arrives, though more has been sent', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    producer.socket.write('rubbish\n'.repeat(200_000));
    assert.equal(await producer.ended, true);
    assert.equal(producer.replies().length, 100);
    assert.equal(told(producer).at(-1), 'too_many_errors@100');
    assert.deepEqual(server.log.data, []);
    await until(() => server.connections.at(-1) === 0, 'closed, though the producer never closes');
  });

  const requests: readonly [string, readonly string[]][] = [
    ['a POST by a form', ['POST / HTTP/1.1\r\nHost: x\r\n\r\n{"data":"evil"}\n']],
    ['a GET', ['GET /?q={"data":1} HTTP/1.1\r\n\r\n']],
    ['a request of HTTP/2', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{"data":"evil"}\n']],
    ['a request through a proxy', ['POST http://x/ HTTP/1.1\r\n\r\n{"data":"evil"}\n']],
    ['a request with a very long URL', [`POST /${'x'.repeat(600_000)} HTTP/1.1\r\n\r\n{"data":"evil"}\n`]],
    ['a request in pieces', ['PO', 'ST', ' ', '/ HT', 'TP/1.1\r\n\r\n{"data":"evil"}\n']],
    ['a request that is not over', ['POST /']],
  ];
  for (const [what, pieces] of requests) {
    it(`refuses ${what} at once`, async () => {
      await using server = await startServer();
      using producer = await server.connect();
      for (const piece of pieces) {
        producer.socket.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await producer.ended;
      assert.deepEqual(told(producer), ['http_request@1']);
      await until(() => server.connections.at(-1) === 0);
      assert.deepEqual(server.log.data, []);
    });
  }

  it('looks for a request in the first line only', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    producer.socket.write('{"data":"a"}\nGET / HTTP/1.1\n{"data":"b","ref":"1"}\n');
    await producer.told(2);
    assert.deepEqual(told(producer), ['not_json@2', '1']);
  });

  it('takes what only begins like a request for a bad line', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    producer.socket.write('POST the following\n{"data":"b","ref":"1"}\n');
    await producer.told(2);
    assert.deepEqual(told(producer), ['not_json@1', '1']);
  });

  it('refuses TLS', async () => {
    await using server = await startServer();
    const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
    const [error] = await once(socket, 'error');
    assert.match(String(error), /wrong version number|packet length|ECONNRESET/i);
    await until(() => server.connections.at(-1) === 0);
  });

  it('reads no more from a producer whose lines have no answer, and goes on when they have', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    server.log.mode = 'held';
    const lines = 60_000;
    const line = `{"data":"${'x'.repeat(500)}"}\n`;
    producer.socket.write(line.repeat(lines - 1));
    producer.socket.end('{"data":"last","ref":"1"}\n');
    await until(() => server.log.waiting >= 1_024);
    // Over the lines that may be unanswered by what one read brings, no further.
    const waiting = server.log.waiting;
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(server.log.waiting, waiting);
    assert.ok(waiting < 4_096, `${waiting} lines are held`);
    assert.ok(producer.socket.writableLength > 1_048_576, 'the rest is still with the producer');
    server.log.mode = 'ready';
    while (server.log.waiting > 0) server.log.take();
    await producer.ended;
    assert.deepEqual(told(producer), ['1']);
    assert.equal(server.log.data.length, lines);
  });

  it('does not read the lines of a producer that does not read its replies', async () => {
    await using server = await startServer();
    using slow = await server.connect();
    using other = await server.connect();
    slow.socket.pause();
    const lines = 200_000;
    slow.socket.write(`{"data":"x","ref":"${'r'.repeat(200)}"}\n`.repeat(lines));
    let before = -1;
    while (before !== server.log.data.length) {
      before = server.log.data.length;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.ok(before < lines, `all ${lines} lines have been read`);
    other.socket.write('{"data":"y","ref":"1"}\n');
    await other.told(1);
    slow.socket.resume();
    await until(() => server.log.data.length === lines + 1);
  });

  it('publishes what a producer sent before it was gone', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    server.log.mode = 'held';
    producer.socket.write('{"data":"a","ref":"1"}\n{"data":"b","ref":"2"}\n');
    await until(() => server.log.waiting === 2);
    producer.socket.resetAndDestroy();
    await until(() => server.connections.at(-1) === 0);
    server.log.take();
    server.log.take();
    await until(() => server.results.length === 2);
    assert.deepEqual(server.log.data, ['a', 'b']);
  });

  it('counts who is connected', async () => {
    await using server = await startServer();
    {
      using _one = await server.connect();
      using _two = await server.connect();
      await until(() => server.connections.at(-1) === 2);
    }
    await until(() => server.connections.at(-1) === 0);
  });

  it('acknowledges what it has read when it is stopped, and leaves half a line to the producer', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    server.log.mode = 'held';
    producer.socket.write('{"data":"a","ref":"1"}\n{"data":"half"}');
    await until(() => server.log.waiting === 1);
    const stopped = server.server.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    producer.socket.write('\n{"data":"late","ref":"2"}\n');
    assert.deepEqual(told(producer), []);
    server.log.take();
    assert.equal(await producer.ended, true);
    assert.deepEqual(told(producer), ['1']);
    producer.socket.end();
    await stopped;
    assert.deepEqual(server.log.data, ['a']);
    await assert.rejects(server.connect(), { code: 'ECONNREFUSED' });
  });

  it('does not wait for ever for a log that is away when it is stopped', async () => {
    await using server = await startServer();
    using producer = await server.connect();
    server.log.mode = 'held';
    producer.socket.write('{"data":"a","ref":"1"}\n');
    await until(() => server.log.attempts > 0);
    await server.server.stop();
    await producer.ended;
    assert.deepEqual(told(producer), []);
  });
});
