import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { type Entry, History } from './history.ts';
import { Producer } from './producers.ts';

interface Line {
  readonly ref: string;
  readonly data: string;
  readonly topic: string;
}

describe('a producer', () => {
  it('writes down a line before it sends it, and its answer when it comes', async (test) => {
    let ids = 0;
    const { producer, history, lines } = await produce(test, ({ ref }, socket) => {
      socket.write(`${JSON.stringify({ ref, id: `${++ids}-0` })}\n`);
    });
    await until(() => lines.length >= 20);
    await producer.stop(5_000);
    assert.deepEqual(
      refs(history, 'sent'),
      lines.map(({ ref }) => ref),
    );
    assert.deepEqual(
      refs(history, 'acknowledged'),
      lines.map(({ ref }) => ref),
    );
    assert.ok(lines.every(({ data, ref }) => data.split(' ')[0] === ref));
    assert.equal(producer.heads.get('a'), `${ids}-0`);
  });

  it('never repeats a line whose connection ended before its answer', async (test) => {
    let answered = 0;
    const { producer, history, lines, connections } = await produce(test, ({ ref }, socket) => {
      if (lines.length % 5 === 0) socket.resetAndDestroy();
      else socket.write(`${JSON.stringify({ ref, id: `${++answered}-0` })}\n`);
    });
    await until(() => connections() >= 5);
    await producer.stop(5_000);
    const sent = refs(history, 'sent');
    assert.equal(new Set(sent).size, sent.length);
    assert.ok(refs(history, 'acknowledged').length < sent.length);
  });

  it('takes a refusal for what it is', async (test) => {
    const { producer, history, lines } = await produce(test, ({ ref }, socket) => {
      socket.write(`${JSON.stringify({ ref, error: { code: 'unavailable', message: '', line: 1 } })}\n`);
    });
    await until(() => lines.length >= 5);
    await producer.stop(5_000);
    assert.deepEqual(
      refs(history, 'refused'),
      lines.map(({ ref }) => ref),
    );
    assert.equal(producer.heads.size, 0);
  });

  it('holds back when nothing is answered', async (test) => {
    const { producer, lines } = await produce(test, () => {}, 20_000);
    await until(() => lines.length >= 256);
    await producer.stop(50);
    assert.equal(lines.length, 256);
  });
});

/** A producer and the server that it sends to. */
async function produce(test: TestContext, answer: (line: Line, socket: Socket) => void, perSecond = 500) {
  const lines: Line[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket.on('error', () => socket.destroy()));
    createInterface({ input: socket }).on('line', (text) => {
      const line: Line = JSON.parse(text);
      lines.push(line);
      answer(line, socket);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const history = new History();
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('it does not listen');
  const producer = new Producer({
    name: 'p',
    history,
    random: seededRandom(7),
    ingests: () => [address],
    address: () => ({ topic: 'a' }),
    perSecond,
    leaveChance: 0,
  });
  test.after(async () => {
    await producer.stop(0);
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  producer.start();
  return { producer, history, lines, connections: () => connections };
}

function refs({ entries }: History, kind: Entry['kind']): readonly string[] {
  return entries.flatMap((entry) => (entry.kind === kind && 'ref' in entry ? [entry.ref] : []));
}
