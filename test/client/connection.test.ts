import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { GuardedEventSourceInit, TokenRequest } from '../../client/guarded-event-source.js';
import {
  end,
  endedStream,
  refuse,
  ScriptedServer,
  type Step,
  stream,
  timed,
} from '../listen/scripted-server.ts';
import { until } from '../support/until.ts';
import { RecordedSource } from './recorded-source.ts';

/** Short enough for a test to wait for several pauses. */
const RETRY_MS = 5;

describe('a connection', () => {
  it('carries the token as a header, never in the URL', async (test) => {
    const { server, recorded } = await connect(test, [stream('data:a\n\n')], { getToken: () => 'good' });
    await recorded.seen('message');
    const [{ method, url, headers } = unasked()] = server.requests;
    assert.deepEqual(
      [method, url, headers.authorization, headers.accept, headers['last-event-id']],
      ['GET', '/events', 'Bearer good', 'text/event-stream', undefined],
    );
  });

  it('does without a token where there is none', async (test) => {
    for (const getToken of [undefined, () => undefined]) {
      const { server, recorded } = await connect(test, [stream('data:a\n\n')], { getToken });
      await recorded.seen('message');
      assert.equal(server.requests[0]?.headers.authorization, undefined);
    }
  });

  it('tells of states as an EventSource does', async (test) => {
    const steps = [cutOnceSeen('id:1\ndata:a\n\n', () => recorded.data.length > 0), stream('data:b\n\n')];
    const { recorded } = await connect(test, steps);
    assert.equal(recorded.source.readyState, 0);
    await recorded.seen('message', 2);
    assert.deepEqual(
      recorded.entries.map(({ type, state }) => [type, state]),
      [
        ['open', 1],
        ['message', 1],
        ['error', 0],
        ['open', 1],
        ['message', 1],
      ],
    );
  });

  it('comes back after a cut and after a clean end, from where it was, with a token asked for anew', async (test) => {
    const steps = [
      cutOnceSeen('id:1\ndata:a\n\nid:ü\n\n', () => recorded.source.lastEventId === 'ü'),
      endedStream('id:2\ndata:b\n\n'),
      stream(''),
    ];
    let calls = 0;
    const { server, recorded } = await connect(test, steps, { getToken: () => `token-${++calls}` });
    await recorded.seen('open', 3);
    assert.deepEqual(
      server.requests.map(({ headers }) => headers['last-event-id']),
      // Node reads header bytes as Latin-1.
      [undefined, Buffer.from('ü').toString('latin1'), '2'],
    );
    assert.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Bearer token-1', 'Bearer token-2', 'Bearer token-3'],
    );
    assert.deepEqual(recorded.codes, ['network', 'network']);
  });

  it('begins where an earlier one was', async (test) => {
    const { server, recorded } = await connect(test, [stream('data:a\n\n')], { lastEventId: '5-0' });
    await recorded.seen('message');
    assert.equal(server.requests[0]?.headers['last-event-id'], '5-0');
    assert.equal(recorded.of('message')[0]?.id, '5-0');
  });

  it('leaves an id behind that no header can carry', async (test) => {
    for (const id of ['\u0001', '\u007f', 'x'.repeat(100_000)]) {
      const { server, recorded } = await connect(test, [endedStream(`id:${id}\ndata:a\n\n`), stream('')]);
      await recorded.seen('open', 2);
      assert.equal(server.requests[1]?.headers['last-event-id'], undefined);
    }
  });

  it('is over when the server says so, and only then', async (test) => {
    for (const [step, code, status] of [
      [refuse(400, 'last_event_id_too_long'), 'last_event_id_too_long', 400],
      [refuse(403, 'insufficient_scope'), 'insufficient_scope', 403],
      [refuse(404, 'not_found'), 'not_found', 404],
      [status204, 'http_204', 204],
      [page, 'not_a_stream', 200],
      [almost, 'not_a_stream', 200],
    ] as const) {
      const { recorded, server } = await connect(test, [step], { getToken: () => 'good' });
      await recorded.closed();
      assert.deepEqual(recorded.entries, [{ type: 'error', state: 2, code, status }]);
      assert.equal(server.requests.length, 1);
    }
  });

  it('reads only so much of a refusal', async (test) => {
    const endless: Step = (response) => {
      response.writeHead(403, { 'content-type': 'application/problem+json' });
      const more = (): void => {
        while (!response.closed && response.write('x'.repeat(16_384)));
      };
      response.on('drain', more);
      more();
    };
    const { recorded, server } = await connect(test, [endless]);
    await recorded.closed();
    assert.deepEqual(recorded.codes, ['http_403']);
    assert.equal(server.requests.length, 1);
  });

  it('is made again when the server has no time, not before that time', async (test) => {
    for (const step of [
      refuse(429, 'per_subject', { 'retry-after': '1' }),
      refuse(503, 'full', { 'retry-after': '1' }),
      // Whole seconds.
      ((response, request) =>
        refuse(503, 'full', { 'retry-after': new Date(Date.now() + 2_500).toUTCString() })(
          response,
          request,
        )) satisfies Step,
    ]) {
      const at: number[] = [];
      const { recorded } = await connect(test, [timed(at, step), timed(at, stream(''))]);
      await recorded.seen('open');
      const waitedMs = (at[1] ?? 0) - (at[0] ?? 0);
      assert.ok(waitedMs >= 990, `it waited ${waitedMs} ms`);
    }
  });

  it('is not made at once when the server asks for more time than a timer can hold', async (test) => {
    const digits = '9'.repeat(400);
    for (const step of [
      refuse(503, 'full', { 'retry-after': '99999999999' }),
      refuse(503, 'full', { 'retry-after': digits }),
      endedStream(`retry:99999999999\n\n`),
      endedStream(`retry:${digits}\n\n`),
    ]) {
      const { recorded, server } = await connect(test, [step]);
      await recorded.seen('error');
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(server.requests.length, 1);
    }
  });

  it('is made again after a fault of the server or a proxy, whatever it says', async (test) => {
    const proxy: Step = (response) =>
      response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>');
    const torn: Step = (response) => {
      response.writeHead(500, { 'content-type': 'application/problem+json', 'content-length': '100' });
      response.write('{"code":', () => response.socket?.destroy());
    };
    const { recorded } = await connect(test, [proxy, refuse(500, 'internal'), torn, stream('')]);
    await recorded.seen('open');
    assert.deepEqual(recorded.codes, ['http_502', 'internal', 'network']);
  });

  it('is tried with a fresh token at once when one is refused, then after pauses, five times in all', async (test) => {
    const asked: boolean[] = [];
    const getToken = ({ fresh }: TokenRequest) => {
      asked.push(fresh);
      return 'old';
    };
    const steps = Array.from({ length: 6 }, () => refuse(401, 'expired'));
    const { recorded, server } = await connect(test, steps, { getToken });
    await recorded.closed();
    assert.deepEqual(asked, [false, true, true, true, true]);
    assert.deepEqual(
      recorded.codes,
      Array.from({ length: 5 }, () => 'expired'),
    );
    assert.equal(server.requests.length, 5);
  });

  it('counts refused tokens anew once a stream has opened', async (test) => {
    const refused = Array.from({ length: 4 }, () => refuse(401, 'expired'));
    const steps = [...refused, endedStream('data:a\n\n'), ...refused, stream('data:b\n\n')];
    const { recorded } = await connect(test, steps, { getToken: () => 'old' });
    await recorded.seen('message', 2);
  });

  it('is not tried again without a token when one is missing', async (test) => {
    const { recorded } = await connect(test, [refuse(401, 'missing')]);
    await recorded.closed();
    assert.deepEqual(recorded.codes, ['missing']);
  });

  it('waits for a provider of tokens that fails, and says so', async (test) => {
    let calls = 0;
    const failure = new Error('the identity provider is away');
    const getToken = async () => {
      calls += 1;
      if (calls < 3) throw failure;
      return 'good';
    };
    const { recorded, server } = await connect(test, [stream('data:a\n\n')], { getToken });
    const causes: unknown[] = [];
    recorded.source.addEventListener('error', ({ cause }) => causes.push(cause));
    await recorded.seen('message');
    assert.deepEqual(recorded.codes, ['no_token', 'no_token']);
    assert.deepEqual(causes, [failure, failure]);
    assert.equal(server.requests.length, 1);
  });

  it('never repeats what is no token', async (test) => {
    for (const token of ['sec ret', 'secret\n', 'sécret', '']) {
      const { recorded, server } = await connect(test, [], { getToken: () => token, retryMs: 60_000 });
      const messages: string[] = [];
      recorded.source.addEventListener('error', ({ cause }) => messages.push(String(cause)));
      await recorded.seen('error');
      assert.deepEqual(messages, ['TypeError: What getToken returned is not a bearer token.']);
      assert.equal(server.requests.length, 0);
    }
  });

  it('is made anew when it says nothing for too long', async (test) => {
    const quiet: Step = () => {};
    const beats: Step = (response) => {
      stream('')(response, response.req);
      const timer = setInterval(() => response.write(':\n\n'), 20);
      response.on('close', () => clearInterval(timer));
    };
    // Twice as long after each that was silent, which lets rare heartbeats be heard in the end.
    const steps = [quiet, stream('data:a\n\n'), beats];
    const { recorded } = await connect(test, steps, { silenceMs: 1_000 });
    await recorded.seen('open', 2);
    assert.deepEqual(recorded.codes, ['silent', 'silent']);
    const { length } = recorded.entries;
    // More than the third may be silent.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    assert.equal(recorded.entries.length, length, 'heartbeats keep it');
  });
});

describe('a stream that is ended by the gateway', () => {
  for (const reason of ['draining', 'slow_consumer', 'max_age', 'full', 'not_ready', 'something_new']) {
    it(`comes back after ${reason}, which asks for that`, async (test) => {
      const steps = [endedStream(`id:1\ndata:a\n\nretry:${RETRY_MS}\n${end(reason, true)}`), stream('')];
      const { recorded, server } = await connect(test, steps, { getToken: () => 'good' });
      await recorded.seen('open', 2);
      assert.deepEqual(recorded.codes, [reason]);
      assert.equal(recorded.of('end')[0]?.data, JSON.stringify({ reason, reconnect: true }));
      assert.equal(server.requests[1]?.headers['last-event-id'], '1');
    });
  }

  for (const reason of ['token_expired', 'guard_changed']) {
    it(`comes back after ${reason} with a fresh token`, async (test) => {
      const asked: boolean[] = [];
      const getToken = ({ fresh }: TokenRequest) => {
        asked.push(fresh);
        return 'good';
      };
      const steps = [endedStream(`id:1\ndata:a\n\n${end(reason, false)}`), endedStream(''), stream('')];
      const { recorded, server } = await connect(test, steps, { getToken });
      await recorded.seen('open', 3);
      assert.deepEqual(asked, [false, true, false]);
      assert.deepEqual(recorded.codes, [reason, 'network']);
      assert.equal(server.requests[1]?.headers['last-event-id'], '1');
    });

    it(`is over after ${reason} without anything that could get one`, async (test) => {
      const { recorded } = await connect(test, [endedStream(end(reason, false))]);
      await recorded.closed();
      assert.deepEqual(recorded.codes, [reason]);
    });
  }

  for (const reason of ['revoked', 'something_new']) {
    it(`is over after ${reason}, whatever token it might get`, async (test) => {
      const { recorded, server } = await connect(test, [stream(end(reason, false))], {
        getToken: () => 'good',
      });
      await recorded.closed();
      assert.deepEqual(
        recorded.entries.map(({ type, state, code }) => [type, state, code]),
        [
          ['open', 1, undefined],
          ['end', 1, undefined],
          ['error', 2, reason],
        ],
      );
      assert.equal(server.requests.length, 1);
    });
  }

  it('comes back later and later while that brings nothing', async (test) => {
    const again = endedStream(end('not_ready', true));
    const steps = [...Array.from({ length: 6 }, () => again), stream('')];
    const { recorded } = await connect(test, steps, { retryMs: 10 });
    const at: number[] = [];
    recorded.source.addEventListener('error', () => at.push(performance.now()));
    recorded.source.addEventListener('open', () => at.push(performance.now()));
    await recorded.seen('open', 7);
    // Between an error and the next open lie 10, 20, 40, … ms; a busy machine only adds.
    for (let pause = 0; pause < 6; pause += 1) {
      const ms = (at[2 * pause + 2] ?? 0) - (at[2 * pause + 1] ?? 0);
      assert.ok(ms >= 10 * 2 ** pause - 2, `pause ${pause} took ${ms} ms`);
    }
  });

  it('tells of a gap', async (test) => {
    const data = '{"requested":"1-0","oldest":null}';
    const { recorded } = await connect(test, [stream(`event:gap\ndata:${data}\n\n`)]);
    await recorded.seen('gap');
    assert.deepEqual(recorded.of('gap'), [{ type: 'gap', state: 1, data, id: '' }]);
  });
});

describe('close', () => {
  it('ends the connection at once, and tells nothing more', async (test) => {
    const { recorded, server } = await connect(test, [stream('data:a\n\n')]);
    await recorded.seen('message');
    const gone = server.gone();
    recorded.source.close();
    assert.equal(recorded.source.readyState, 2);
    await gone;
    assert.deepEqual(recorded.codes, []);
  });

  for (const type of ['open', 'message', 'error', 'end', 'challenge'] as const) {
    it(`may be called while ${type} is told, and is the last that is heard`, async (test) => {
      const ending = `id:1\ndata:a\n\nevent:challenge\ndata:{}\n\n${end('draining', true)}id:2\ndata:b\n\n`;
      const { recorded, server } = await connect(test, [endedStream(ending), stream('')]);
      recorded.source.addEventListener(type, () => recorded.source.close());
      await recorded.closed();
      await new Promise((resolve) => setTimeout(resolve, 10 * RETRY_MS));
      assert.equal(recorded.entries.at(-1)?.type, type);
      assert.equal(server.requests.length, 1);
      assert.equal(recorded.source.lastEventId, type === 'open' ? '' : '1');
    });
  }

  it('ends a pause, and a wait for a token, whose provider is told', async (test) => {
    let signal: AbortSignal | undefined;
    const getToken = (request: TokenRequest) => {
      ({ signal } = request);
      return new Promise<string>(() => {});
    };
    const { recorded, server } = await connect(test, [], { getToken });
    await until(() => signal !== undefined, 'a token is asked for');
    recorded.source.close();
    assert.equal(signal?.aborted, true);

    const later = await connect(test, [endedStream('')], { retryMs: 3_600_000 });
    await later.recorded.seen('error');
    later.recorded.source.close();
    assert.equal(server.requests.length, 0);
    assert.equal(later.server.requests.length, 1);
  });

  it('may come before anything has happened', async (test) => {
    const { recorded, server } = await connect(test, []);
    recorded.source.close();
    await new Promise((resolve) => setTimeout(resolve, 10 * RETRY_MS));
    assert.deepEqual(recorded.entries, []);
    assert.equal(server.requests.length, 0);
  });
});

const status204: Step = (response) => response.writeHead(204).end();
const page: Step = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('data:a\n\n');
const almost: Step = (response) => response.writeHead(200, { 'content-type': 'text/event-streams' }).end();

/** A reset takes what has come and was not read yet, so it waits. */
function cutOnceSeen(text: string, seen: () => boolean): Step {
  return (response, request) => {
    stream(text)(response, request);
    const cut = (): void => void response.socket?.resetAndDestroy();
    // Whoever did not see it fails by what it waits for itself.
    void until(seen).then(cut, cut);
  };
}

class WatchedServer extends ScriptedServer {
  #leaving: (() => void)[] = [];

  override streams(...steps: Step[]): this {
    return super.streams(
      ...steps.map(
        (step): Step =>
          (response, request) => {
            response.on('close', () => {
              for (const tell of this.#leaving.splice(0)) tell();
            });
            step(response, request);
          },
      ),
    );
  }

  /** Resolves when the next connection of a stream is closed. */
  gone(): Promise<void> {
    return new Promise((resolve) => this.#leaving.push(resolve));
  }
}

/** A source, and the server that does one step for each of its connections. */
async function connect(test: TestContext, steps: readonly Step[], init: GuardedEventSourceInit = {}) {
  const server = await new WatchedServer().streams(...steps).start();
  test.after(() => server.stop());
  const recorded = new RecordedSource(server.url(), { retryMs: RETRY_MS, ...init });
  test.after(() => recorded.source.close());
  return { server, recorded };
}

function unasked(): never {
  throw new Error('nothing was asked for');
}
