import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { RedisLink } from '../../src/bus/redis-link.ts';
import { parseRedisUrl } from '../../src/bus/redis-url.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { silentLog } from '../../src/core/log.ts';
import { until } from '../support/until.ts';

const INFO = 'redis_version:7.2.0\r\nloading:0\r\n';

/** As much of Redis as a link needs to come up; `subscribe` is answered as the test says. */
async function startServer(test: TestContext, subscribe: (socket: Socket, channel: string) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.setEncoding('utf8').on('data', (text: string) => {
      const [name = '', channel = ''] = text.split('\r\n').filter((line) => !/^[*$]/.test(line));
      if (name.toLowerCase() === 'subscribe') subscribe(socket, channel);
      else socket.write(`$${INFO.length}\r\n${INFO}\r\n`);
    });
  });
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('it does not listen');
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return { port: address.port, cut };
}

describe('a link', () => {
  it('outlives connections that are lost again and again before they are subscribed', async (test) => {
    let asked = 0;
    const lost = 3;
    const { port, cut } = await startServer(test, (socket, channel) => {
      asked++;
      if (asked > 1 && asked <= 1 + lost) socket.resetAndDestroy();
      else socket.write(`*3\r\n$9\r\nsubscribe\r\n$${channel.length}\r\n${channel}\r\n:1\r\n`);
    });
    const rejections: unknown[] = [];
    const note = (reason: unknown) => void rejections.push(reason);
    process.on('unhandledRejection', note);
    test.after(() => process.off('unhandledRejection', note));
    const target = parseRedisUrl(`redis://127.0.0.1:${port}`);
    const link = new RedisLink(
      { target, tls: {}, prefix: 'p:' },
      {
        clock,
        random: Math.random,
        log: silentLog,
        observer: { reconnected() {}, backfilled() {}, probed() {} },
      },
    );
    test.after(() => link.stop());
    let ups = 0;
    link.subscribe('channel', () => undefined);
    link.onUp(() => void ups++);
    link.start();
    await until(() => ups > 0);
    cut();
    await until(() => asked >= 2 + lost && link.up);
    assert.deepEqual(rejections, []);
  });
});
