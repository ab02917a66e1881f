import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { GuardedEventSourceInit, TokenRequest } from '../../client/guarded-event-source.js';
import {
  accept,
  CHALLENGE,
  end,
  refuse,
  ScriptedServer,
  type Step,
  stream,
  timed,
} from '../listen/scripted-server.ts';
import { until } from '../support/until.ts';
import { RecordedSource } from './recorded-source.ts';

describe('a challenge', { concurrency: true }, () => {
  it('is answered as it says, with a fresh token, at the URL of the stream', async (test) => {
    const asked: boolean[] = [];
    const getToken = ({ fresh }: TokenRequest) => {
      asked.push(fresh);
      return `token-${asked.length}`;
    };
    const { server, recorded } = await challenged(test, [accept], { getToken });
    await recorded.seen('answer');
    assert.deepEqual(asked, [false, true]);
    const [, answer] = server.requests;
    assert.deepEqual(
      [answer?.method, answer?.url, answer?.headers.authorization, answer?.headers['content-type']],
      ['POST', '/events?topic=a', 'Bearer token-2', 'application/x-challenge-response'],
    );
    assert.equal(answer?.headers['challenge-id'], 'pod.abc');
    assert.deepEqual(recorded.of('answer'), [{ type: 'answer', state: 1, ok: true, status: 204 }]);
    assert.equal(recorded.of('challenge').length, 1);
    assert.deepEqual(recorded.codes, []);
  });

  it('has no say in whose token is sent', async (test) => {
    const told = { method: 'POST', headers: { Authorization: 'Bearer theirs', 'content-type': 'x/y' } };
    const { server, recorded } = await challenged(test, [accept], {}, JSON.stringify(told));
    await recorded.seen('answer');
    assert.equal(server.requests[1]?.headers.authorization, 'Bearer good');
  });

  it('is answered by cookie alone where nothing gives tokens', async (test) => {
    const { server, recorded } = await challenged(test, [accept], { getToken: undefined });
    await recorded.seen('answer');
    assert.equal(server.requests[1]?.headers.authorization, undefined);
  });

  it('is answered again by the same request while that may still do', async (test) => {
    const dropped: Step = (response) => response.socket?.destroy();
    let calls = 0;
    const getToken = () => `token-${++calls}`;
    const steps = [refuse(503, 'owner_unreachable'), dropped, accept];
    const { server, recorded } = await challenged(test, steps, { getToken });
    await recorded.seen('answer', 3);
    assert.deepEqual(
      recorded.of('answer').map(({ ok, code, status }) => [ok, code, status]),
      [
        [false, 'owner_unreachable', 503],
        [false, 'network', 0],
        [true, undefined, 204],
      ],
    );
    const tokens = server.requests.slice(1).map(({ headers }) => headers.authorization);
    assert.deepEqual(tokens, ['Bearer token-2', 'Bearer token-2', 'Bearer token-2']);
    assert.equal(recorded.source.readyState, 1);
  });

  it('waits as long as it is told to', async (test) => {
    const at: number[] = [];
    const { recorded } = await challenged(test, [
      timed(at, refuse(429, 'too_many_answers', { 'retry-after': '2' })),
      timed(at, accept),
    ]);
    await recorded.seen('answer', 2);
    const waitedMs = (at[1] ?? 0) - (at[0] ?? 0);
    assert.ok(waitedMs >= 1_990, `it waited ${waitedMs} ms`);
  });

  it('is not answered again at once when it is told to wait longer than a timer can', async (test) => {
    const { server, recorded } = await challenged(test, [
      refuse(429, 'too_many_answers', { 'retry-after': '99999999999' }),
    ]);
    await recorded.seen('answer');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(server.requests.length, 2);
  });

  for (const [status, code] of [
    [401, 'expired'],
    [409, 'not_later'],
  ] as const) {
    it(`is answered with another token after ${code}`, async (test) => {
      let calls = 0;
      const getToken = () => `token-${++calls}`;
      const { server, recorded } = await challenged(test, [refuse(status, code), accept], { getToken });
      await recorded.seen('answer', 2);
      assert.deepEqual(
        recorded.of('answer').map((answer) => [answer.ok, answer.code, answer.status]),
        [
          [false, code, status],
          [true, undefined, 204],
        ],
      );
      const tokens = server.requests.slice(1).map(({ headers }) => headers.authorization);
      assert.deepEqual(tokens, ['Bearer token-2', 'Bearer token-3']);
    });
  }

  for (const [status, code] of [
    [400, 'missing_challenge_id'],
    [403, 'other_subject'],
    [404, 'no_such_challenge'],
  ] as const) {
    it(`is left alone after ${code}, and the stream goes on`, async (test) => {
      const { server, recorded, say } = await challenged(test, [refuse(status, code)]);
      await recorded.seen('answer');
      assert.deepEqual(recorded.of('answer'), [{ type: 'answer', state: 1, ok: false, code, status }]);
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      say('data:still here\n\n');
      await recorded.seen('message');
      assert.deepEqual(recorded.codes, []);
      assert.equal(server.requests.length, 2);
    });
  }

  it('is answered once the provider of tokens can', async (test) => {
    let calls = 0;
    const getToken = async () => {
      calls += 1;
      if (calls === 2) throw new Error('away');
      return `token-${calls}`;
    };
    const { server, recorded } = await challenged(test, [accept], { getToken });
    await recorded.seen('answer', 2);
    assert.deepEqual(
      recorded.of('answer').map(({ ok, code }) => [ok, code]),
      [
        [false, 'no_token'],
        [true, undefined],
      ],
    );
    assert.equal(server.requests[1]?.headers.authorization, 'Bearer token-3');
  });

  it('is forgotten when the next one comes', async (test) => {
    const signals: AbortSignal[] = [];
    const getToken = ({ signal }: TokenRequest) => {
      signals.push(signal);
      return signals.length === 2 ? new Promise<string>(() => {}) : `token-${signals.length}`;
    };
    const { server, recorded, say } = await challenged(test, [accept], { getToken });
    await until(() => signals.length === 2, 'the first challenge asks for a token');
    say(CHALLENGE.replace('pod.abc', 'pod.def'));
    await recorded.seen('answer');
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, true, false],
    );
    assert.equal(server.requests[1]?.headers['challenge-id'], 'pod.def');
    assert.equal(server.requests.length, 2);
  });

  it('is forgotten when its stream ends', async (test) => {
    const signals: AbortSignal[] = [];
    const getToken = ({ signal }: TokenRequest) => {
      signals.push(signal);
      return signals.length === 2 ? new Promise<string>(() => {}) : 'good';
    };
    const { server, recorded, say } = await challenged(test, [], { getToken });
    await until(() => signals.length === 2, 'the challenge asks for a token');
    say(end('draining', true));
    await recorded.seen('error');
    assert.equal(signals[1]?.aborted, true);
    assert.ok(server.requests.every(({ method }) => method === 'GET'));
  });

  it('that cannot be read closes nothing', async (test) => {
    for (const nonsense of [
      'nonsense',
      '[]',
      '7',
      'null',
      '{"headers":{"no header":"x"}}',
      '{"method":"NO METHOD"}',
    ]) {
      const { server, recorded, say } = await challenged(test, [], {}, nonsense);
      await recorded.seen('answer');
      assert.equal(recorded.of('answer')[0]?.ok, false, nonsense);
      say('data:still here\n\n');
      await recorded.seen('message');
      assert.deepEqual(recorded.codes, []);
      const streams = server.requests.filter(({ method }) => method === 'GET');
      assert.equal(streams.length, 1, 'and opens no other stream');
    }
  });
});

/** A source whose stream asks at once, and the server that does one step for each answer. */
async function challenged(
  test: TestContext,
  steps: readonly Step[],
  init: GuardedEventSourceInit = {},
  data?: string,
) {
  const block = data === undefined ? CHALLENGE : `event:challenge\ndata:${data}\n\n`;
  let say = (_text: string): void => {};
  const open: Step = (response, request) => {
    stream(block)(response, request);
    say = (text) => void response.write(text);
  };
  const server = await new ScriptedServer()
    .streams(open)
    .answers(...steps)
    .start();
  test.after(() => server.stop());
  const recorded = new RecordedSource(server.url('/events?topic=a'), { getToken: () => 'good', ...init });
  test.after(() => recorded.source.close());
  return { server, recorded, say: (text: string) => say(text) };
}
