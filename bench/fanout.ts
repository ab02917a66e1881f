/**
 * Fan-out: N streams, M events; deliveries per CPU second of the server, against better-sse.
 *
 * Two cases. *One at a time*: the next event is published only when every stream has the one before, so that nobody can
 * join several into one write; what is left to win is what is spent beside the write. *Ten at once*: as a feed under
 * load, where joining is what a server is for. A third server, bare sockets on Node, shows how much there was to win.
 *
 * How it avoids fooling itself: the servers are processes of their own and measure their own CPU time, so the
 * client's cost is not in the figure. Rounds are interleaved and the median counts, so that a noisy neighbour hits
 * all. Tidegate runs its whole path (JWT guard, bus, hub, ring, sweep); the others guard nothing.
 *
 *     npm run bench -- fanout [--streams 5000] [--events 40] [--rounds 3]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FromClient, MARKER, type ToClient } from './client.ts';
import type { FromServer, ToServer } from './servers/protocol.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '5000' },
    events: { type: 'string', default: '40' },
    rounds: { type: 'string', default: '3' },
  },
});
const streams = Number(values.streams);
const events = Number(values.events);
const rounds = Number(values.rounds);
const DATA = `${'x'.repeat(120)}${MARKER}`;
/** Published before measuring, so that both are compiled and every socket's buffers exist. */
const WARM_UP_EVENTS = 10;

const SERVERS = ['bare-net', 'tidegate', 'better-sse'] as const;
type Server = (typeof SERVERS)[number];
const CASES = [
  { title: 'one at a time', atOnce: 1 },
  { title: 'ten at once', atOnce: 10 },
] as const;

const figures = new Map<string, number[]>();
const of = (title: string, server: Server): readonly number[] => figures.get(`${title} ${server}`) ?? [];
for (let round = 1; round <= rounds; round++) {
  for (const { title, atOnce } of CASES) {
    for (const server of SERVERS) {
      const perSecond = await measure(server, atOnce);
      figures.set(`${title} ${server}`, [...of(title, server), perSecond]);
      console.log(`round ${round}, ${title}, ${server}: ${shown(perSecond)} deliveries per CPU second`);
    }
  }
}

console.log(`\n${streams} streams, ${events} events of ${DATA.length} bytes, median of ${rounds} (range)\n`);
console.log('| events | server | deliveries per CPU second | × better-sse |\n|---|---|---|---|');
for (const { title } of CASES) {
  const peer = median(of(title, 'better-sse'));
  for (const server of SERVERS) {
    const all = of(title, server);
    const range = `${shown(Math.min(...all))}–${shown(Math.max(...all))}`;
    console.log(
      `| ${title} | ${server} | ${shown(median(all))} (${range}) | ${(median(all) / peer).toFixed(2)} |`,
    );
  }
}

function shown(figure: number): string {
  return Math.round(figure).toLocaleString('en');
}

/** @returns deliveries per CPU second of the server */
async function measure(name: Server, atOnce: number): Promise<number> {
  const server = fork(join(import.meta.dirname, 'servers', `${name}.ts`));
  const client = fork(join(import.meta.dirname, 'client.ts'));
  const publish = (): void => void server.send({ kind: 'publish', data: DATA } satisfies ToServer);
  const cpu = async (): Promise<number> => {
    server.send({ kind: 'cpu' } satisfies ToServer);
    const [answer] = (await once(server, 'message')) as [FromServer];
    return answer.kind === 'cpu' ? answer.microseconds : Number.NaN;
  };
  try {
    const [listening] = (await once(server, 'message')) as [FromServer];
    if (listening.kind !== 'listening') throw new Error('the server did not say where it listens');
    const authorization = listening.token === undefined ? '' : `authorization: Bearer ${listening.token}\r\n`;
    const request = `GET ${listening.path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n${authorization}\r\n`;
    client.send({ kind: 'open', port: listening.port, request, streams } satisfies ToClient);
    await once(client, 'message');
    let published = 0;
    const deliver = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left -= atOnce) {
        published += atOnce;
        const arrived = once(client, 'message') as Promise<[FromClient]>;
        client.send({ kind: 'expect', markers: published * streams } satisfies ToClient);
        for (let event = 0; event < atOnce; event++) publish();
        await arrived;
      }
    };
    await deliver(WARM_UP_EVENTS);
    const before = await cpu();
    await deliver(events);
    return (streams * events) / (((await cpu()) - before) / 1e6);
  } finally {
    client.disconnect();
    server.disconnect();
    await Promise.all([once(client, 'exit'), once(server, 'exit')]);
  }
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN;
}
