/**
 * Fan-out: N streams, M events, one write an event; deliveries per CPU second of the server, against better-sse.
 *
 * How it avoids fooling itself: both servers are processes of their own and measure their own CPU time, so the
 * client's cost is not in the figure. The next event is published only when every stream has the one before, so
 * neither can win by joining several events into one write. Rounds are interleaved and the median counts, so that a
 * noisy neighbour hits both. Tidegate runs its whole path (JWT guard, bus, hub, ring, sweep); better-sse guards nothing.
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

const results = new Map<string, number[]>([
  ['tidegate', []],
  ['better-sse', []],
]);
for (let round = 1; round <= rounds; round++) {
  for (const [name, figures] of results) {
    const perSecond = await measure(name);
    figures.push(perSecond);
    console.log(
      `round ${round} ${name.padEnd(10)} ${Math.round(perSecond).toLocaleString('en')} deliveries per CPU second`,
    );
  }
}

const [ours = [], theirs = []] = [...results.values()];
const ratio = median(ours) / median(theirs);
console.log(`\n| server | deliveries per CPU second, median of ${rounds} | range |\n|---|---|---|`);
for (const [name, figures] of results) {
  const shown = [median(figures), Math.min(...figures), Math.max(...figures)].map((figure) =>
    Math.round(figure).toLocaleString('en'),
  );
  console.log(`| ${name} | ${shown[0]} | ${shown[1]}–${shown[2]} |`);
}
console.log(
  `\nratio ${ratio.toFixed(2)} at ${streams} streams, ${events} events, one write an event (goal: at least 2)`,
);

/** @returns deliveries per CPU second of the server */
async function measure(name: string): Promise<number> {
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
      for (let event = 0; event < count; event++) {
        const arrived = once(client, 'message') as Promise<[FromClient]>;
        client.send({ kind: 'expect', markers: ++published * streams } satisfies ToClient);
        publish();
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
