import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { until } from '../support/until.ts';
import type { ClientParts } from './client-parts.ts';
import { Client } from './clients.ts';
import { type Entry, History } from './history.ts';

/** An entry without its times. */
interface Seen {
  readonly [field: string]: unknown;
  readonly kind: string;
  readonly gateway?: string;
}

type Visit = (response: ServerResponse, request: IncomingMessage) => void;

describe('a client', () => {
  it('writes down what comes: its opening, events, positions, gaps and ends', async (test) => {
    const { history } = await visit(test, {}, [
      say(
        'retry:100\nid:1-0\n\n',
        'id:2-0\ndata:p.1\n\n',
        'id:3-0\nevent:message\ndata:p.2 ..........\n\n',
        'id:4-0\n\n',
        ':\n\n',
        'event:gap\ndata:{"requested":"4-0","oldest":null}\n\n',
        'id:5-0\ndata:p.3\n\n',
        'event:end\ndata:{"reason":"draining","reconnect":true}\n\n',
      ),
    ]);
    assert.deepEqual(history, [
      { kind: 'client', client: 'c', guard: 'main', subject: 'alice', topics: ['a'] },
      { kind: 'authorised', client: 'c' },
      { kind: 'opened', client: 'c', gateway: 'g1', head: '1-0' },
      { kind: 'event', client: 'c', id: '2-0', ref: 'p.1' },
      { kind: 'event', client: 'c', id: '3-0', ref: 'p.2' },
      { kind: 'position', client: 'c', id: '4-0' },
      { kind: 'gap', client: 'c', requested: '4-0', oldest: null },
      { kind: 'event', client: 'c', id: '5-0', ref: 'p.3' },
      { kind: 'ended', client: 'c', reason: 'draining' },
      { kind: 'cut', client: 'c', by: 'peer' },
    ]);
  });

  it('takes blocks that come in pieces for what they are', async (test) => {
    const bytes = 'retry:100\nid:1-0\n\nid:2-0\ndata:p.1\n\nid:3-0\n\n';
    const inPieces: Visit = async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const byte of bytes) {
        response.write(byte);
        await new Promise(setImmediate);
      }
      response.end();
    };
    const { history } = await visit(test, {}, [inPieces]);
    assert.deepEqual(kindsAndIds(history), ['opened 1-0', 'event 2-0', 'position 3-0', 'cut']);
  });

  it('comes back with its last id, whether it was the head, an event or a position', async (test) => {
    const { requests, history } = await visit(test, {}, [
      say('retry:100\nid:1-0\n\n'),
      say('retry:100\n\n', 'id:2-0\ndata:p.1\n\n'),
      say('retry:100\n\n', 'id:3-0\n\n'),
      say('retry:100\n\n'),
    ]);
    assert.deepEqual(
      requests.map(({ headers }) => headers['last-event-id']),
      [undefined, '1-0', '2-0', '3-0'],
    );
    assert.deepEqual(kindsAndIds(history), [
      ...['opened 1-0', 'cut', 'opened 1-0', 'event 2-0', 'cut'],
      ...['opened 2-0', 'position 3-0', 'cut', 'opened 3-0', 'cut'],
    ]);
  });

  it('says of a stream without a head that it had none', async (test) => {
    const { history } = await visit(test, {}, [say('retry:100\n\n', 'id:2-0\ndata:p.1\n\n')]);
    // An id that stands with an event is no head: the checker will tell.
    assert.deepEqual(kindsAndIds(history), ['opened', 'event 2-0', 'cut']);
  });

  it('is rejected by any other status, and by a connection that fails', async (test) => {
    const status: Visit = (response) => void response.writeHead(503).end();
    const reset: Visit = (response) => void response.socket?.resetAndDestroy();
    const { history } = await visit(test, {}, [status, reset]);
    assert.deepEqual(
      history.filter(({ kind }) => kind === 'rejected'),
      [503, 0].map((code) => ({ kind: 'rejected', client: 'c', gateway: 'g1', status: code })),
    );
  });

  it('answers a challenge as it is told to, at another gateway if there is one', async (test) => {
    const challenge = { method: 'POST', headers: { 'content-type': 'application/x', 'challenge-id': 'x1' } };
    const asked: Visit = (response) => {
      response
        .writeHead(200)
        .write(`retry:100\nid:1-0\n\nevent:challenge\ndata:${JSON.stringify(challenge)}\n\n`);
      setTimeout(() => response.end(), 300);
    };
    const { history, requests } = await visit(test, { habit: 'answers' }, [asked], 2);
    const answer = requests.find(({ method }) => method === 'POST');
    assert.equal(answer?.headers['challenge-id'], 'x1');
    assert.equal(answer?.headers.authorization, 'Bearer token of alice');
    assert.deepEqual(
      history.filter(({ kind }) => kind.startsWith('answer')),
      [
        { kind: 'answering', client: 'c', gateway: otherThan(history) },
        { kind: 'answered', client: 'c', status: 204 },
      ],
    );
  });

  it('lets a token expire when that is its habit', async (test) => {
    const asked = say('retry:100\nid:1-0\n\n', 'event:challenge\ndata:{"method":"POST","headers":{}}\n\n');
    const { requests } = await visit(test, { habit: 'expires' }, [asked]);
    assert.deepEqual(
      requests.filter(({ method }) => method === 'POST'),
      [],
    );
  });
});

/** Headers, these blocks, and a clean end. */
function say(...blocks: readonly string[]): Visit {
  return (response) =>
    void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(blocks.join(''));
}

/** A client that comes once for each visit, and what both sides saw. Times are left out of the entries. */
async function visit(
  test: TestContext,
  parts: Partial<ClientParts>,
  visits: readonly Visit[],
  gateways = 1,
): Promise<{
  history: readonly Seen[];
  requests: readonly IncomingMessage[];
}> {
  const requests: IncomingMessage[] = [];
  const left = [...visits];
  const servers = await Promise.all(
    Array.from({ length: gateways }, async () => {
      const server = createServer((request, response) => {
        requests.push(request);
        if (request.method === 'POST') return void response.writeHead(204).end();
        const next = left.shift();
        if (next !== undefined) return next(response, request);
        done = true;
        response.destroy();
      });
      test.after(() => {
        server.closeAllConnections();
        server.close();
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      return server;
    }),
  );
  let done = false;
  const history = new History();
  const client = new Client({
    name: 'c',
    view: { guard: 'main', subject: 'alice', topics: ['a'] },
    path: '/main',
    temper: 'stays',
    habit: 'long',
    history,
    random: Math.random,
    gateways: () =>
      servers.map((server, i) => {
        const address = server.address();
        if (address === null || typeof address === 'string') throw new TypeError('it does not listen');
        return { name: `g${i + 1}`, port: address.port };
      }),
    mint: ({ subject }) => `token of ${subject}`,
    ...parts,
  });
  client.start();
  await until(() => done, 'every visit');
  await client.stop();
  const end = history.entries.findIndex(
    ({ kind }, i) => kind === 'authorised' && count(history.entries.slice(0, i)) === visits.length,
  );
  return {
    history: history.entries.slice(0, end).map(timeless),
    requests: requests.filter(({ method }, i) => method === 'POST' || i < requests.length - 1),
  };
}

function count(entries: readonly Entry[]): number {
  return entries.filter(({ kind }) => kind === 'authorised').length;
}

function timeless(entry: Entry): Seen {
  const { at: _at, wall: _wall, from: _from, until: _until, token: _token, ...seen }: Seen = { ...entry };
  return seen;
}

function kindsAndIds(history: readonly Seen[]): readonly string[] {
  return history
    .filter(({ kind }) => kind !== 'client' && kind !== 'authorised')
    .map(({ kind, id, head, resume }) => [kind, id ?? head ?? resume].filter(Boolean).join(' '));
}

function otherThan(history: readonly Seen[]): string {
  return history.find(({ kind }) => kind === 'opened')?.gateway === 'g1' ? 'g2' : 'g1';
}
