/**
 * Memory: what an idle stream costs the process that holds it, over HTTP/1.1, TLS and HTTP/2, beside the peers.
 *
 * How it avoids fooling itself: before the first figure is taken the server has opened, fed and closed some streams, so that code is
 * compiled; not as many as are measured, since a process keeps what it once had and all would seem free. Both figures
 * follow two full collections, and what opening so many leaves behind for good is in the second. RSS is the kernel's (`/proc`); what the kernel itself holds for a socket is in no process and not in the
 * figure. A stream is idle, not new: each has been given events. Every stream is authorised, with a token and a
 * subject of its own, as they are in life. The peers in Node are collected likewise; nginx has no collector.
 *
 *     npm run bench -- memory [--streams 10000] [--tls-streams 3000] [--rounds 3] [--json FILE]
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Child, CLIENT_CORE } from './child.ts';
import { median, type Row, shown, spread, table } from './figures.ts';
import { LoadClient, type LoadOptions } from './load-client.ts';
import { buildNative } from './native.ts';
import { report } from './report.ts';
import { noNchan, startNchan } from './servers/nchan.ts';
import { startNodeServer } from './servers/node-server.ts';
import type { Memory } from './servers/probe.ts';
import type { Server } from './servers/server.ts';
import { bearer, inSeconds, startTidegate, type Tidegate } from './servers/tidegate.ts';
import { settle } from './settle.ts';
import type { ToTlsClient } from './tls-client.ts';
import { http2Request, httpRequest } from './wire.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '10000' },
    'tls-streams': { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const WARM_UP_STREAMS = 300;
const EVENTS = 3;
const STREAMS_PER_CONNECTION = 100;
const KB = 1_000;
const GOAL_KB = 12;
/** Sockets that the client has closed are closed here too. */
const CLOSING_MS = 500;
const TOKEN_S = 7_200;

interface Case {
  readonly name: string;
  readonly streams: number;
  readonly goal?: string;
  readonly missing?: string | undefined;
  run(streams: number): Promise<Memory>;
}

const CASES: readonly Case[] = [
  {
    name: 'tidegate, HTTP/1.1',
    streams: Number(values.streams),
    goal: `≤ ${GOAL_KB}`,
    run: (streams) => tidegate(streams, (server) => ({ requests: requests(server, streams, httpRequest) })),
  },
  {
    name: 'tidegate, HTTP/2, 100 a connection',
    streams: Number(values.streams),
    run: (streams) =>
      tidegate(streams, (server) => ({
        requests: requests(server, streams, http2Request),
        http2: STREAMS_PER_CONNECTION,
      })),
  },
  { name: 'tidegate, TLS, HTTP/1.1', streams: Number(values['tls-streams']), run: tls },
  {
    name: 'nchan, HTTP/1.1',
    streams: Number(values.streams),
    missing: noNchan,
    async run(streams) {
      await using server = await startNchan(native.directory);
      return await grown(server, server, streams, async () => ({
        rss: server.rssBytes(),
        heapUsed: 0,
        external: 0,
      }));
    },
  },
  ...['better-sse', 'koa-pass-through'].map((name) => ({
    name: `${name}, HTTP/1.1`,
    streams: Number(values.streams),
    async run(streams: number) {
      await using server = await startNodeServer(name);
      return await grown(server, server, streams, () => server.memory());
    },
  })),
];

interface Sample {
  readonly name: string;
  readonly round: number;
  /** Bytes a stream. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

await using native = await buildNative();
const samples: Sample[] = [];
const chosen = CASES.filter(({ missing }) => missing === undefined);
for (let round = 1; round <= rounds; round++) {
  for (const { name, run, streams } of chosen) {
    const grown = await run(streams);
    const each = (bytes: number): number => bytes / streams;
    const sample = {
      name,
      round,
      rss: each(grown.rss),
      heapUsed: each(grown.heapUsed),
      external: each(grown.external),
    };
    samples.push(sample);
    console.log(`round ${round}, ${name}: ${shown(sample.rss / KB, 1)} kB a stream`);
  }
}
const rows = chosen.map(({ goal = '', name, streams }): Row => {
  const of = samples.filter((sample) => sample.name === name);
  const kilobytes = (figure: 'rss' | 'heapUsed' | 'external') => of.map((sample) => sample[figure] / KB);
  const heap = name.startsWith('nchan') ? '' : shown(median(kilobytes('heapUsed')), 1);
  return [name, shown(streams), spread(kilobytes('rss'), 1), goal, heap];
});
const absent = CASES.filter(({ missing }) => missing !== undefined);
report({
  bench: 'memory',
  text: [
    `An idle stream after full collections, median of ${rounds} interleaved rounds (range).`,
    ...absent.map(({ missing, name }) => `${name}: ${missing}.`),
    table(['server', 'streams', 'RSS, kB a stream', 'goal', 'of it V8 heap, kB'], rows),
  ].join('\n\n'),
  samples,
  json: values.json,
});

async function tidegate(
  streams: number,
  options: (server: Tidegate) => Pick<LoadOptions, 'requests' | 'http2'>,
): Promise<Memory> {
  await using server = await startTidegate(native.directory);
  return await grown(server, options(server), streams, () => server.memory());
}

async function tls(streams: number): Promise<Memory> {
  await using server = await startTidegate(native.directory);
  const request = httpRequest('/rs256', bearer(server.token)).toString('latin1');
  const open = async (streams: number) => {
    const file = join(import.meta.dirname, 'tls-client.ts');
    const client = new Child<ToTlsClient, object>(file, [], CLIENT_CORE);
    await client.ask({ port: server.tlsPort, request, streams });
    return client;
  };
  const first = await open(WARM_UP_STREAMS);
  await first[Symbol.asyncDispose]();
  await settle(CLOSING_MS);
  const before = await server.memory();
  await using _client = await open(streams);
  await settle();
  return difference(before, await server.memory());
}

/** By how much `memory` has grown when the streams are open. */
async function grown(
  server: Server,
  { requests, http2 }: Pick<LoadOptions, 'requests' | 'http2'>,
  streams: number,
  memory: () => Promise<Memory>,
): Promise<Memory> {
  const { port, publications, publishPort } = server;
  const load = { port, publications, publishPort, requests, ...(http2 === undefined ? {} : { http2 }) };
  const open = async (streams: number) => {
    const client = await LoadClient.start(native, load);
    await client.open(streams);
    await settle();
    await client.each(EVENTS);
    return client;
  };
  const first = await open(WARM_UP_STREAMS);
  await first[Symbol.asyncDispose]();
  await settle(CLOSING_MS);
  const before = await memory();
  await using _client = await open(streams);
  await settle();
  return difference(before, await memory());
}

function requests(server: Tidegate, streams: number, make: typeof httpRequest): readonly Buffer[] {
  const exp = inSeconds(TOKEN_S);
  return Array.from({ length: streams }, (_, stream) =>
    make('/es256', bearer(server.mint('ES256', { sub: `client-${stream}`, exp }))),
  );
}

function difference(before: Memory, after: Memory): Memory {
  return {
    rss: after.rss - before.rss,
    heapUsed: after.heapUsed - before.heapUsed,
    external: after.external - before.external,
  };
}
