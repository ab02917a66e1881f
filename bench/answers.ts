/**
 * Answers from elsewhere: a stream at gateway A is challenged, and its answer is POSTed to gateway B.
 *
 * How it avoids fooling itself: both gateways are `tidegate gateway` processes of their own on one redis-server, so that
 * an answer takes the whole way: B's guard, the control channel, A's judgement, and back. The client's clock counts,
 * from just before the request until the status has arrived; anything but 204 fails the run. Each stream has a subject
 * and a token of its own, so nothing comes from a cache, and answers follow one another, so nothing waits for another
 * answer. The two modes take turns. The first few of each are not counted: they are what compiles both gateways.
 *
 *     npm run bench -- answers [--answers 200] [--json FILE]
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis/redis-server.ts';
import { Deployment, type RoleProcess } from './deployment.ts';
import { median, quantile, type Row, shown, table } from './figures.ts';
import { report } from './report.ts';

const { values } = parseArgs({
  options: { answers: { type: 'string', default: '200' }, json: { type: 'string' } },
});
const answers = Number(values.answers);
const WARM_UP = 20;
const GOAL_MS = 100;
/** A token with less than this left is challenged as soon as its stream opens. */
const LEAD_TIME_S = 60;
const FIRST_TOKEN_S = 40;
const NEXT_TOKEN_S = 50;
const MODES = ['Stream', 'Subject'] as const;

const agent = new Agent({ keepAlive: true });
await using server = await startRedis({ appendonly: false });
await using deployment = await Deployment.create(
  server.url,
  MODES.map((mode) => ({
    name: mode.toLowerCase(),
    alg: 'ES256',
    spec: { challenge: { leadTime: `${LEAD_TIME_S}s`, answer: mode } },
  })),
);
await using a = await deployment.startGateway();
await using b = await deployment.startGateway();

const samples = MODES.map((mode) => ({ mode, milliseconds: [] as number[] }));
for (let i = 0; i < WARM_UP + answers; i++) {
  for (const { milliseconds, mode } of samples) {
    const took = await answerOne(mode.toLowerCase(), `client-${i}`);
    if (i >= WARM_UP) milliseconds.push(took);
  }
}
agent.destroy();
const rows = samples.map(({ milliseconds, mode }): Row => {
  const figures = [median(milliseconds), quantile(milliseconds, 0.95), Math.max(...milliseconds)];
  return [mode, milliseconds.length, ...figures.map((figure) => shown(figure, 1)), `< ${GOAL_MS}`];
});
const head = ['`challenge.answer`', 'answers', 'median, ms', 'p95, ms', 'max, ms', 'goal of the median'];
report({
  bench: 'answers',
  text: `Stream at one gateway, answer at another, until 204.\n\n${table(head, rows)}`,
  samples,
  json: values.json,
});

/** @returns how long the answer took, in milliseconds */
async function answerOne(guard: string, sub: string): Promise<number> {
  const now = Math.floor(Date.now() / 1000);
  const stream = await send(a, 'GET', guard, {
    accept: 'text/event-stream',
    authorization: `Bearer ${deployment.mint(guard, { sub, exp: now + FIRST_TOKEN_S })}`,
  });
  try {
    const headers = await challenge(stream);
    const authorization = `Bearer ${deployment.mint(guard, { sub, exp: now + NEXT_TOKEN_S })}`;
    const began = performance.now();
    const { statusCode } = (await send(b, 'POST', guard, { ...headers, authorization })).resume();
    const took = performance.now() - began;
    if (statusCode !== 204) throw new Error(`an answer came to ${statusCode}`);
    return took;
  } finally {
    stream.destroy();
  }
}

function send(
  { port }: RoleProcess,
  method: 'GET' | 'POST',
  guard: string,
  headers: Readonly<Record<string, string>>,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const shared = method === 'POST' ? { agent } : { agent: false as const };
    request({ host: '127.0.0.1', port, method, path: `/${guard}`, headers, ...shared }, resolve)
      .once('error', reject)
      .end();
  });
}

/** @returns the headers that the challenge asks for */
async function challenge(stream: IncomingMessage): Promise<Readonly<Record<string, string>>> {
  let text = '';
  const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, string>>>();
  stream.once('error', reject);
  stream.on('data', (bytes: Buffer) => {
    text += bytes.toString('utf8');
    const found = /event:challenge\ndata:(.+)\n\n/.exec(text)?.[1];
    if (found !== undefined) resolve(JSON.parse(found).headers);
  });
  stream.once('end', () => reject(new Error('a stream ended without a challenge')));
  return await promise;
}
