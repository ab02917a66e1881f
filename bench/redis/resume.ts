/**
 * A gateway has been restarted and all its clients come back at once: seconds until each has the events it missed.
 *
 * Each round has a new `tidegate gateway` process, which has filled its ring from the log when it listens, and whose
 * code and token cache are as cold as after any restart. It has one core to itself, the client another. The clock starts
 * before the first connection attempt and stops when the last stream has its last event; a stream that is refused,
 * closed, or gets one event more than it is owed fails the run. Cold: every client has a token of its own, so every
 * signature is verified. Warm: all share one, so that all but the first are found in the cache. The CPU time of both sides
 * stands beside: a client that takes as long as the gateway would be what was measured.
 */
import { writeFile } from 'node:fs/promises';
import type { RedisServer } from '../../test/support/redis/redis-server.ts';
import { Child } from '../child.ts';
import { Deployment } from '../deployment.ts';
import { median, quantile, type Row, shown, spread, table } from '../figures.ts';
import type { FromPublisher, ToPublisher } from './protocol.ts';
import type { FromResumeClient, ToResumeClient } from './resume-client.ts';

export interface ResumeOptions {
  readonly streams: number;
  readonly events: number;
  readonly rounds: number;
}

const GATEWAY_CORE = 0;
const CLIENT_CORE = 1;
/** In the log before what is missed, so that there is something to pass by. */
const OLDER_EVENTS = 10_000;
const TOKEN_S = 7_200;
const CASES = [
  { name: 'RS256, cold', guard: 'rs256', shared: false, goalS: 5 },
  { name: 'ES256, cold', guard: 'es256', shared: false, goalS: 5 },
  { name: 'RS256, warm', guard: 'rs256', shared: true, goalS: 3 },
] as const;

interface Round {
  readonly p50S: number;
  readonly lastS: number;
  readonly gatewayCpuS: number;
  readonly clientCpuS: number;
}

export async function resume(server: RedisServer, { events, rounds, streams }: ResumeOptions) {
  await using deployment = await Deployment.create(
    server.url,
    [
      { name: 'rs256', alg: 'RS256' },
      { name: 'es256', alg: 'ES256' },
    ],
    { perSubject: 100_000, connections: streams + 1_000 },
  );
  const lastEventId = await fill(server, events);
  const all = CASES.map((each) => ({ ...each, samples: [] as Round[] }));
  for (const { guard, name, shared } of CASES) {
    const count = shared ? 1 : streams;
    const exp = Math.floor(Date.now() / 1000) + TOKEN_S;
    const tokens = Array.from({ length: count }, (_, i) =>
      deployment.mint(guard, { sub: `client-${i}`, exp }),
    );
    await writeFile(deployment.place(name), tokens.join('\n'));
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { guard, name, samples } of all) {
      const order = { path: `/${guard}`, lastEventId, streams, events, tokensFile: deployment.place(name) };
      const sample = await measure(deployment, order);
      samples.push(sample);
      console.log(
        `resume, round ${round}, ${name}: ${shown(sample.lastS, 2)} s, CPU of the gateway ${shown(sample.gatewayCpuS, 2)} s`,
      );
    }
  }
  const rows = all.map(({ goalS, name, samples }): Row => {
    const of = (figure: keyof Round) => samples.map((sample) => sample[figure]);
    return [
      name,
      spread(of('lastS'), 2),
      shown(median(of('p50S')), 2),
      `< ${goalS}`,
      spread(of('gatewayCpuS'), 2),
      shown(median(of('clientCpuS')), 2),
    ];
  });
  const head = ['tokens', 'all have all, s', 'half have all, s', 'goal', 'CPU s: gateway', 'client'];
  const title = `${shown(streams)} clients resume ${events} events each after a restart, gateway on one core, median of ${rounds} rounds (range).`;
  return { text: `${title}\n\n${table(head, rows)}`, samples: all };
}

/** @returns the last id before the events that are missed */
async function fill(server: RedisServer, events: number): Promise<string> {
  await using publisher = new Child<ToPublisher, FromPublisher>(
    new URL('publisher.ts', import.meta.url).pathname,
    ['tidegate', server.url],
  );
  await publisher.hears();
  const older = await publisher.ask({ kind: 'publish', events: OLDER_EVENTS });
  if (older.kind !== 'published') throw new Error('the publisher did not publish');
  await publisher.ask({ kind: 'publish', events });
  return older.last;
}

async function measure(deployment: Deployment, order: Omit<ToResumeClient, 'port'>): Promise<Round> {
  await using gateway = await deployment.startGateway(GATEWAY_CORE);
  await using client = new Child<ToResumeClient | { go: true }, FromResumeClient>(
    new URL('resume-client.ts', import.meta.url).pathname,
    [],
    CLIENT_CORE,
  );
  await client.ask({ ...order, port: gateway.port });
  const before = await gateway.cpuTime();
  const resumed = await client.ask({ go: true });
  if (resumed.kind !== 'resumed') throw new Error('the client did not say that all had resumed');
  return {
    p50S: quantile(resumed.seconds, 0.5),
    lastS: Math.max(...resumed.seconds),
    gatewayCpuS: ((await gateway.cpuTime()) - before) / 1e6,
    clientCpuS: resumed.microseconds / 1e6,
  };
}
