import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { subject } from '../../src/core/brand.ts';
import { eventId } from '../../src/core/event-id.ts';
import { REFUSALS } from '../../src/http/refusal.ts';
import { CLOSE_REASONS } from '../../src/stream/close-reason.ts';
import { type Block, encode } from '../../src/stream/encode.ts';
import { eventually } from '../support/eventually.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { readPage, readText } from './markdown.ts';

const FILE = 'docs/protocol.md';
const text = readText(FILE);
const page = readPage(FILE);

const HEAD = eventId(1795576861613, 0);
const SHOWN: readonly Block[] = [
  { kind: 'turn_away', reason: 'full', retryMs: 9731 },
  { kind: 'opening', retryMs: 2055, head: HEAD },
  { kind: 'event', id: eventId(1795576861614, 0), data: 'first line\nsecond line' },
  { kind: 'event', id: eventId(1795576861615, 0), type: 'order', data: ' shipped' },
  { kind: 'heartbeat' },
  { kind: 'position', id: eventId(1795576861700, 4) },
  { kind: 'challenge' },
  { kind: 'challenge', challengeId: `pod-1.${'A'.repeat(22)}` },
  { kind: 'gap', requested: HEAD, oldest: eventId(1795576869000, 0) },
  { kind: 'gap', requested: HEAD, oldest: null },
  { kind: 'end', reason: 'token_expired' },
  { kind: 'end', reason: 'draining', retryMs: 2311 },
];

/** What the public listener never answers: the page of `dev` and the port for revocations do. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'bad_json',
  'bad_token_request',
  'bad_event',
  'foreign_host',
  'foreign_peer',
  'not_json',
  'bad_revocation',
  'bad_logout_token',
  'repeated_logout_token',
  'missing_credential',
  'wrong_credential',
  'not_a_form',
  'too_many_revocations',
  'revocations_unavailable',
  'revocations_full',
]);

describe('docs/protocol.md', () => {
  it('shows every kind of block, byte for byte', () => {
    const shown = page.blocks.filter(({ language }) => language === 'text').map((block) => block.text);
    assert.deepEqual(shown, SHOWN.map(encode));
  });

  it('tells every reason for an end, and whether to come back', () => {
    const told = Array.from(
      section('How streams end').matchAll(/^\| `(\w+)` \| (true|false) \|/gm),
      ([, reason, reconnect]) => [reason, reconnect === 'true'],
    );
    const real = Object.entries(CLOSE_REASONS).map(([reason, { reconnect }]) => [reason, reconnect]);
    assert.deepEqual(Object.fromEntries(told), Object.fromEntries(real));
  });

  it('tells every code with its status, of streams and of answers', () => {
    const told = new Map<string, number>();
    for (const [, statuses = '', cell = ''] of text.matchAll(/^\| ([\d, ]{3,}) \| (`[^|]*) \|/gm)) {
      for (const [, code = ''] of cell.matchAll(/`(\w+)`/g)) {
        const status = REFUSALS[known(code)][0];
        assert.ok(statuses.includes(String(status)), `${code} is ${status}`);
        told.set(code, status);
      }
    }
    const untold = Object.keys(REFUSALS).filter((code) => !told.has(code) && !ELSEWHERE.has(code));
    assert.deepEqual(untold, []);
  });

  it('shows the headers that a stream has', async () => {
    await using server = await startGateway();
    using stream = await openStream(server.port, '/events', { authorization: `Bearer ${server.token()}` });
    const [, shown] = page.blocks.filter(({ language }) => language === 'http');
    const [, ...lines] = shown?.text.trim().split('\n') ?? [];
    assert.deepEqual(
      lines.toSorted(),
      Object.entries(stream.headers)
        .filter(([name]) => name !== 'date')
        .map(([name, value]) => `${name}: ${value}`)
        .toSorted(),
    );
  });

  it('shows a refusal as it is', async () => {
    await using server = await startGateway();
    const { body } = await request(`${server.origin}/events`, {
      headers: { authorization: `Bearer ${server.token({}, -1)}` },
    });
    const [shown] = page.blocks.filter(({ language }) => language === 'json');
    assert.equal(body, shown?.text);
  });
});

describe('the client in docs/protocol.md', () => {
  for (const answer of ['Stream', 'Subject']) {
    it(`gets its events, and answers its challenges (answer: ${answer})`, async (test) => {
      await using server = await startGateway({ guard: `challenge: { leadTime: 60s, answer: ${answer} }` });
      const client = await start(test, server, (asked) => server.token({}, asked === 0 ? 30 : 300));
      await server.publish('a\nb', { type: 'note' });
      // It was asked at once; what it answered with is good for longer than the lead time.
      await eventually(() => assert.ok(client.tokens >= 2));
      await eventually(() => assert.deepEqual(client.events(), ['note a\nb']));
      const { subject } = streamOf(server);
      assert.equal(subject, 'alice');
      await eventually(() => assert.ok(streamOf(server).expiresAt > Date.now() + 100_000));
    });
  }

  it('comes back with a fresh token when its stream has expired, and misses nothing', async (test) => {
    await using server = await startGateway();
    const client = await start(test, server, (asked) => server.token({}, asked === 0 ? 6 : 60));
    await server.publish('before');
    await eventually(() => assert.ok(client.events().some((event) => event.startsWith('end '))));
    await server.publish('between');
    await eventually(() => assert.equal(client.tokens, 2));
    await server.publish('after');
    await eventually(() =>
      assert.deepEqual(client.events(), [
        'message before',
        'end {"reason":"token_expired","reconnect":false}',
        'message between',
        'message after',
      ]),
    );
  });

  it('is told to come back when its gateway drains, and gives up where it is refused', async (test) => {
    await using server = await startGateway();
    const client = await start(test, server, () => server.token());
    await server.gateway.stop(1_000);
    await eventually(() =>
      assert.match(client.events().join(), /end \{"reason":"draining","reconnect":true\}/),
    );
    await using fussy = await startGateway();
    const refused = await start(test, fussy, () => fussy.token({ scope: '' }), false);
    await assert.rejects(refused.over, { code: 'insufficient_scope' });
  });

  it('takes silence for a loss', async (test) => {
    await using server = await startGateway();
    const client = await start(test, server, () => server.token(), true, 300);
    await eventually(() => assert.ok(client.tokens >= 2));
  });
});

interface Client {
  events(): readonly string[];
  /** How many it has asked for. */
  readonly tokens: number;
  readonly over: Promise<void>;
}

async function start(
  test: TestContext,
  server: RunningGateway,
  token: (asked: number) => string,
  awaited = true,
  silenceMs = 45_000,
): Promise<Client> {
  const [source] = page.blocks.filter(({ language }) => language === 'js');
  const file = join(await temporaryDirectory(test), 'follow.mjs');
  // Its first pause is made short: a test would do nothing but wait.
  await writeFile(file, source?.text.replace('retryMs = Number(value)', 'retryMs = 50') ?? '');
  const { follow } = await import(file);
  const ending = new AbortController();
  test.after(() => ending.abort());
  const events: string[] = [];
  let tokens = 0;
  const fresh = (): Promise<string> => {
    return Promise.resolve(token(tokens++));
  };
  const heard = ({ event, data }: { event: string; data: string }): void =>
    void events.push(`${event} ${data}`);
  const over: Promise<void> = follow(`${server.origin}/events`, fresh, heard, {
    signal: ending.signal,
    silenceMs,
  });
  over.catch(() => {});
  if (awaited) await eventually(() => assert.equal(server.gateway.hub.status().connections, 1));
  return {
    events: () => events,
    get tokens() {
      return tokens;
    },
    over,
  };
}

function streamOf(server: RunningGateway) {
  const [stream] = server.gateway.hub.streamsOf('main', subject('alice'));
  assert.ok(stream !== undefined);
  return stream.authorisation;
}

function section(heading: string): string {
  const [, body = ''] = text.split(`\n## ${heading}\n`);
  return body.split('\n## ', 1)[0] ?? '';
}

function known(code: string): keyof typeof REFUSALS {
  const found = Object.keys(REFUSALS).find((each) => each === code);
  assert.ok(found !== undefined, `there is no code ${code}`);
  return found as keyof typeof REFUSALS;
}
