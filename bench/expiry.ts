/**
 * Expiry: N streams whose tokens end at the same instant, on one gateway process. When do their challenges come,
 * when are they cut, and is any cut early?
 *
 * How it avoids fooling itself: the times are taken by the client, when the bytes have arrived, so that what the
 * server queues, the kernel holds and the client itself takes is all in the figure; server and client are processes of
 * their own on one machine and so go by one wall clock. Each round has new processes, and counts only if every stream
 * was open before the first challenge was due. Every stream is in the figures: one that is never challenged, never
 * ended or cut off before its last chunk fails the run, as does a single early end. The token is the same for all,
 * which spares signatures while the streams open; challenges and cuts are a stream's own either way. The server's own
 * CPU time from just before the cut to the last end stands beside the times: it says what a busy machine hides.
 *
 *     npm run bench -- expiry [--streams 1000,10000] [--rounds 3]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { FromExpiryClient, ToExpiryClient } from './expiry-client.ts';
import { LEAD_TIME_S } from './lead-time.ts';
import type { FromServer, ToServer } from './servers/protocol.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000,10000' },
    rounds: { type: 'string', default: '3' },
  },
});
const sizes = values.streams.split(',').map(Number);
const rounds = Number(values.rounds);
/** The promise: p99 of the cut, in milliseconds. */
const limitOf = (streams: number): number => (streams <= 1_000 ? 50 : 300);
/** Time to open the streams, beside the lead time. */
const openingMs = (streams: number): number => 4_000 + streams * 1.5;

const BEFORE_CUT_MS = 100;

interface Round {
  readonly challenges: readonly number[];
  readonly cuts: readonly number[];
  readonly cpuMs: number;
}

const rows: string[] = [];
let failed = false;
for (const streams of sizes) {
  for (let round = 1; round <= rounds; round++) {
    const { challenges, cpuMs, cuts } = await measure(streams);
    const early = cuts.filter((late) => late < 0).length;
    const p99 = quantile(cuts, 0.99);
    failed ||= early > 0 || p99 > limitOf(streams);
    rows.push(
      `| ${streams} | ${round} | ${figures(challenges)} | ${figures(cuts)} | ${early} | ${Math.round(cpuMs)} |`,
    );
    console.log(
      `${streams} streams, round ${round}: challenge ${figures(challenges)}; cut ${figures(cuts)}; early ${early}; ${Math.round(cpuMs)} ms of CPU`,
    );
  }
}
console.log(`
Milliseconds, min / p50 / p99 / max. Challenge: after exp − ${LEAD_TIME_S} s, spread over the ${LEAD_TIME_S * 100} ms before. Cut: after exp.

| streams | round | challenge | cut | early ends | CPU of the cut |
|---|---|---|---|---|---|
${rows.join('\n')}

${failed ? 'NOT kept' : 'kept'}: no early end; p99 of the cut ${sizes.map((size) => `≤ ${limitOf(size)} ms at ${size}`).join(', ')}`);
process.exitCode = failed ? 1 : 0;

async function measure(streams: number): Promise<Round> {
  const server = fork(join(import.meta.dirname, 'servers', 'tidegate.ts'));
  const client = fork(join(import.meta.dirname, 'expiry-client.ts'));
  try {
    const [listening] = (await once(server, 'message')) as [FromServer];
    if (listening.kind !== 'listening') throw new Error('the server did not say where it listens');
    const expiresAtS = Math.ceil((Date.now() + openingMs(streams)) / 1_000) + LEAD_TIME_S;
    server.send({ kind: 'mint', expiresAtS } satisfies ToServer);
    const [minted] = (await once(server, 'message')) as [FromServer];
    if (minted.kind !== 'minted') throw new Error('the server did not mint a token');
    const request = `GET ${listening.path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nauthorization: Bearer ${minted.token}\r\n\r\n`;
    client.send({ kind: 'open', port: listening.port, request, streams } satisfies ToExpiryClient);
    const [opened] = (await once(client, 'message')) as [FromExpiryClient];
    const closeAt = expiresAtS * 1_000;
    const firstChallengeAt = closeAt - LEAD_TIME_S * 1_100;
    if (opened.kind !== 'opened' || opened.at > firstChallengeAt) {
      throw new Error(`${streams} streams were not open before the first challenge was due`);
    }
    await new Promise((resolve) => setTimeout(resolve, closeAt - Date.now() - BEFORE_CUT_MS));
    const before = await cpu(server);
    const [ended] = (await once(client, 'message')) as [FromExpiryClient];
    if (ended.kind !== 'ended') throw new Error('the client did not say how it ended');
    if (ended.clean < streams)
      throw new Error(`${streams - ended.clean} streams were cut off before their last chunk`);
    const challenges = ended.challengedAt.map((at) => at - (closeAt - LEAD_TIME_S * 1_000));
    const cuts = ended.endedAt.map((at) => at - closeAt);
    if ([...challenges, ...cuts].some(Number.isNaN)) throw new Error('a stream had no challenge or no end');
    return { challenges, cuts, cpuMs: (await cpu(server)) - before };
  } finally {
    if (client.connected) client.disconnect();
    if (server.connected) server.disconnect();
    await Promise.all([exited(client), exited(server)]);
  }
}

/** @returns what the server has taken of the processor, in milliseconds */
async function cpu(server: ReturnType<typeof fork>): Promise<number> {
  server.send({ kind: 'cpu' } satisfies ToServer);
  const [answer] = (await once(server, 'message')) as [FromServer];
  return answer.kind === 'cpu' ? answer.microseconds / 1_000 : Number.NaN;
}

async function exited(child: ReturnType<typeof fork>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function figures(values: readonly number[]): string {
  return [0, 0.5, 0.99, 1].map((share) => Math.round(quantile(values, share))).join(' / ');
}

/** The smallest value that at least this share of the values does not exceed. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
