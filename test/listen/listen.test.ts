import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fixedToken } from '../../src/listen/token-source.ts';
import { Listener, tokens } from './listener.ts';
import { cutStream, end, endedStream, refuse, ScriptedServer, type Step, stream } from './scripted-server.ts';

const OPENING = 'retry:2000\nid:1700000000000-0\n\n';
const EVENT = 'id:1700000000001-0\nevent:price\ndata:one\ndata:two\n\n';

describe('listen', { timeout: 90_000 }, () => {
  let server: ScriptedServer;
  let listener: Listener | undefined;
  const start = (options?: ConstructorParameters<typeof Listener>[1], pathAndQuery?: string) => {
    listener = new Listener(server.url(pathAndQuery), options);
    return listener;
  };
  beforeEach(async () => {
    server = await new ScriptedServer().start();
  });
  afterEach(async () => {
    listener?.interrupt();
    await listener?.exit;
    await server.stop();
  });

  it('prints events, says where it is connected, and ends cleanly on Ctrl-C', async () => {
    server.streams(stream(`${OPENING}${EVENT}id:1700000000002-0\ndata:{"a":1}\n\n`));
    const { exit } = start({ tokens: fixedToken('T0KEN') }, '/events?topic=a');
    await listener?.untilOut('{"a":1}');
    listener?.interrupt();
    assert.equal(await exit, 0);
    assert.equal(listener?.out, '1700000000001-0\tprice\tone\\ntwo\n1700000000002-0\tmessage\t{"a":1}\n');
    assert.deepEqual(listener?.err, [`connected to http://localhost:${server.port}/events`]);
    const [request] = server.requests;
    assert.equal(request?.url, '/events?topic=a');
    assert.equal(request?.headers.authorization, 'Bearer T0KEN');
    assert.equal(request?.headers.accept, 'text/event-stream');
    assert.equal(request?.headers['last-event-id'], undefined);
  });

  it('prints one JSON object a line with --json, gaps included', async () => {
    server.streams(
      endedStream(`event:gap\ndata:{"requested":"5-0","oldest":null}\n\n${EVENT}${end('revoked', false)}`),
    );
    const { exit } = start({ json: true, lastEventId: '5-0' });
    assert.equal(await exit, 5);
    assert.deepEqual(
      listener?.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { id: null, event: 'gap', data: '{"requested":"5-0","oldest":null}' },
        { id: '1700000000001-0', event: 'price', data: 'one\ntwo' },
      ],
    );
    assert.deepEqual(listener?.err, [
      `connected to http://localhost:${server.port}/events, resuming after 5-0`,
      'some events were lost: {"requested":"5-0","oldest":null}',
      'the stream ended: revoked',
    ]);
    assert.equal(server.requests[0]?.headers['last-event-id'], '5-0');
  });

  it('keeps a gap off standard output without --json', async () => {
    server.streams(endedStream(`event:gap\ndata:{}\n\n${end('revoked', false)}`));
    assert.equal(await start().exit, 5);
    assert.equal(listener?.out, '');
  });

  it('sends no token that is in the URL next to one of its own', async () => {
    server.streams(endedStream(end('revoked', false)));
    await start({ tokens: fixedToken('new') }, '/events?access_token=old&topic=a').exit;
    assert.equal(server.requests[0]?.url, '/events?topic=a');
  });

  it('leaves the URL alone when that is all it has', async () => {
    server.streams(endedStream(end('revoked', false)));
    await start({}, '/events?access_token=old&topic=a').exit;
    assert.equal(server.requests[0]?.url, '/events?access_token=old&topic=a');
    assert.ok(listener?.err.every((line) => !line.includes('old')));
  });

  describe('comes back', () => {
    const cases: readonly { name: string; step: Step; says: string }[] = [
      {
        name: 'after a clean end',
        step: endedStream(OPENING + EVENT),
        says: 'the server closed the connection',
      },
      { name: 'after a cut', step: cutStream(OPENING + EVENT), says: 'the connection was lost' },
      ...['slow_consumer', 'draining', 'max_age', 'full', 'not_ready', 'a_new_one'].map((reason) => ({
        name: `after ${reason}`,
        step: endedStream(OPENING + EVENT + end(reason, true)),
        says: `the stream ended: ${reason}`,
      })),
      {
        name: 'after an unreadable end',
        step: endedStream(`${OPENING}${EVENT}event:end\ndata:soon\n\n`),
        says: 'the stream ended for an unreadable reason',
      },
    ];
    for (const { name, step, says } of cases) {
      it(`${name}, from the last id, when the server said`, async () => {
        server.streams(step, endedStream(end('revoked', false)));
        assert.equal(await start().exit, 5);
        assert.equal(listener?.err[1], `${says}; reconnecting in 2.0 s`);
        assert.equal(server.requests[1]?.headers['last-event-id'], '1700000000001-0');
      });
    }

    it('from the head that the first block named, when there was no event', async () => {
      server.streams(cutStream(OPENING), endedStream(end('revoked', false)));
      assert.equal(await start().exit, 5);
      assert.equal(server.requests[1]?.headers['last-event-id'], '1700000000000-0');
    });

    it('drops what lacks its blank line: it will be sent again', async () => {
      server.streams(
        endedStream(`${OPENING}id:1700000000009-0\ndata:half\n`),
        endedStream(end('revoked', false)),
      );
      assert.equal(await start().exit, 5);
      assert.equal(listener?.out, '');
      assert.equal(server.requests[1]?.headers['last-event-id'], '1700000000000-0');
    });

    it('after each refusal that says: later; no sooner than Retry-After, backing off', async () => {
      server.streams(
        refuse(503, 'not_ready', { 'retry-after': '7' }),
        refuse(500, 'internal'),
        refuse(429, 'per_subject'),
        refuse(502, 'proxy'),
        endedStream(end('revoked', false)),
      );
      assert.equal(await start().exit, 5);
      assert.deepEqual(listener?.err.slice(0, 4), [
        '503 not_ready: Title of not_ready.; reconnecting in 7.0 s',
        '500 internal: Title of internal.; reconnecting in 1.5 s',
        '429 per_subject: Title of per_subject.; reconnecting in 3.0 s',
        '502 proxy: Title of proxy.; reconnecting in 6.0 s',
      ]);
    });

    it('after a silence of a minute', async () => {
      server.streams(stream(OPENING + EVENT), endedStream(end('revoked', false)));
      const { exit, clock } = start();
      await listener?.untilOut('price');
      clock.advance(59_000);
      assert.equal(server.requests.length, 1);
      clock.advance(2_000);
      assert.equal(await exit, 5);
      assert.equal(listener?.err[1], 'nothing heard for 60 s; reconnecting in 2.0 s');
    });

    it('when the server is gone after it had been there, until it is back', async () => {
      const { port } = server;
      server.streams(cutStream(OPENING + EVENT));
      const { exit } = start();
      await listener?.untilOut('price');
      await server.stop();
      const place = `http://localhost:${port}/events`;
      await listener?.untilErr(`could not reach ${place}: connection refused; reconnecting in`);
      listener?.interrupt();
      assert.equal(await exit, 0);
    });

    it('until the attempts are used up, if told so', async () => {
      server.streams(...Array.from({ length: 5 }, () => refuse(503, 'not_ready')));
      assert.equal(await start({ attemptsMax: 3 }).exit, 3);
      assert.equal(server.requests.length, 3);
      assert.equal(listener?.err.at(-1), '503 not_ready: Title of not_ready.; gave up after 3 attempts');
    });
  });

  describe('ends for good', () => {
    for (const reason of ['revoked', 'guard_changed', 'a_new_one']) {
      it(`with 5 on ${reason}`, async () => {
        server.streams(stream(OPENING + end(reason, false)));
        assert.equal(await start({ tokens: tokens('token-a') }).exit, 5);
        assert.equal(listener?.err.at(-1), `the stream ended: ${reason}`);
      });
    }

    for (const [status, code] of [
      [400, 'conflicting_tokens'],
      [401, 'expired'],
      [403, 'topic_forbidden'],
      [404, 'not_found'],
      [405, 'method_not_allowed'],
      [415, 'unsupported_media_type'],
      [431, 'too_large'],
      [302, 'elsewhere'],
    ] as const) {
      it(`with 6 on ${status}`, async () => {
        server.streams(refuse(status, code));
        assert.equal(await start({ tokens: tokens('token-a', 'token-b') }).exit, 6);
        assert.deepEqual(listener?.err, [`refused: ${status} ${code}: Title of ${code}.`]);
        assert.equal(server.requests.length, 1);
      });
    }

    it('with 6 on what is not an event stream', async () => {
      server.streams((response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'));
      assert.equal(await start().exit, 6);
      assert.deepEqual(listener?.err, ['refused: the answer is not an event stream']);
    });

    it('with 6 and the status alone when the refusal explains nothing', async () => {
      server.streams((response) => response.writeHead(403, { 'content-type': 'text/html' }).end('<p>'));
      assert.equal(await start().exit, 6);
      assert.deepEqual(listener?.err, ['refused: 403: Forbidden']);
    });

    it('without printing a token that a server sends back, or its control characters', async () => {
      server.streams((response) =>
        response.writeHead(401).end('{"code":"bad","detail":"not S3CRET \\u001b[2J"}'),
      );
      assert.equal(await start({ tokens: fixedToken('S3CRET') }).exit, 6);
      assert.deepEqual(listener?.err, ['refused: 401 bad: not [token] \\u001b[2J']);
    });

    it('with 3 and one sentence when nobody was ever there', async () => {
      const url = server.url();
      await server.stop();
      listener = new Listener(url, { tokens: fixedToken('S3CRET') });
      assert.equal(await listener.exit, 3);
      assert.deepEqual(listener.err, [`could not reach ${url.href}: connection refused`]);
    });

    it('with 3 when the server takes the connection and says nothing', async () => {
      server.streams(() => {});
      const { exit, clock } = start();
      await listener?.until(() => server.requests.length === 1);
      clock.advance(30_001);
      assert.equal(await exit, 3);
      assert.match(listener?.err[0] ?? '', /no answer within 30 s$/);
    });

    it('with 3 when TLS is spoken to a server of clear text', async () => {
      const url = server.url();
      url.protocol = 'https:';
      listener = new Listener(url);
      assert.equal(await listener.exit, 3);
      assert.match(listener.err[0] ?? '', /it does not speak TLS there; is it http: instead of https:\?$/);
    });

    it('with 1 when there is no first token', async () => {
      assert.equal(await start({ tokens: tokens(undefined) }).exit, 1);
      assert.deepEqual(listener?.err, ['the token command failed with exit status 1']);
      assert.equal(server.requests.length, 0);
    });
  });

  describe('when the token has expired', () => {
    const expired = endedStream(OPENING + EVENT + end('token_expired', false));

    it('ends with 4 if it cannot renew it', async () => {
      server.streams(expired);
      assert.equal(await start({ tokens: fixedToken('token-a') }).exit, 4);
      assert.equal(listener?.err.at(-1), 'the stream ended: token_expired');
    });

    it('comes back at once with a fresh one, from the last id', async () => {
      server.streams(expired, endedStream(end('revoked', false)));
      assert.equal(await start({ tokens: tokens('token-a', 'token-b') }).exit, 5);
      assert.equal(listener?.err[1], 'the stream ended: token_expired; reconnecting at once');
      assert.equal(server.requests[1]?.headers.authorization, 'Bearer token-b');
      assert.equal(server.requests[1]?.headers['last-event-id'], '1700000000001-0');
    });

    it('ends with 4 when the source gives no better ones, after three', async () => {
      server.streams(
        expired,
        refuse(401, 'expired'),
        refuse(401, 'expired'),
        refuse(401, 'expired'),
        expired,
      );
      assert.equal(await start({ tokens: tokens('token-a') }).exit, 4);
      assert.deepEqual(listener?.err.slice(1), [
        'the stream ended: token_expired; reconnecting at once',
        'refused: 401 expired: Title of expired.; reconnecting in 0.8 s',
        'refused: 401 expired: Title of expired.; reconnecting in 1.5 s',
        'refused: 401 expired: Title of expired.',
      ]);
    });

    it('ends with 4 when fresh tokens bring streams that end at once', async () => {
      server.streams(expired, expired, expired, expired, expired);
      assert.equal(
        await start({ tokens: tokens('token-a', 'token-b', 'token-c', 'token-d', 'token-e', 'token-f') })
          .exit,
        4,
      );
      assert.equal(server.requests.length, 4);
    });

    it('renews it when it expired between two connections', async () => {
      server.streams(cutStream(OPENING), refuse(401, 'expired'), endedStream(end('revoked', false)));
      assert.equal(await start({ tokens: tokens('token-a', 'token-b') }).exit, 5);
      assert.deepEqual(
        server.requests.map(({ headers }) => headers.authorization),
        ['Bearer token-a', 'Bearer token-a', 'Bearer token-b'],
      );
    });

    it('ends with 4 when it expired between two connections and cannot be renewed', async () => {
      server.streams(cutStream(OPENING), refuse(401, 'expired'));
      assert.equal(await start({ tokens: fixedToken('token-a') }).exit, 4);
    });

    it('asks again for ever while the source fails', async () => {
      server.streams(expired, endedStream(end('revoked', false)));
      const source = tokens('token-a', undefined, undefined, undefined, undefined, undefined, 'token-b');
      assert.equal(await start({ tokens: source }).exit, 5);
      assert.equal(server.requests[1]?.headers.authorization, 'Bearer token-b');
      assert.equal(listener?.err[2], 'the token command failed with exit status 1; reconnecting in 1.5 s');
    });
  });

  describe('with a slow reader', () => {
    it('reads no further, and goes on in order when there is room', async () => {
      const block = `data:${'x'.repeat(64 * 1024)}\n\n`;
      const blocks = 400;
      let blocked = false;
      server.streams((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (let n = 0; n < blocks; n++) blocked = !response.write(`id:1-${n}\n${block}`);
      });
      let room = () => {};
      const { exit } = start();
      if (listener === undefined) return;
      listener.roomFor = () => new Promise((resolve) => (room = resolve));
      await listener.untilOut('1-0\t');
      for (let n = 0; n < 200; n++) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(blocked, 'the server sees a slow client');
      assert.equal(listener.out.match(/^1-/gm)?.length, 1);
      // A minute of our own slowness is no silence of the server.
      listener.clock.advance(120_000);
      listener.roomFor = () => Promise.resolve();
      room();
      await listener.untilOut(`1-${blocks - 1}\t`);
      assert.equal(listener.out.match(/^1-/gm)?.length, blocks);
      assert.equal(server.requests.length, 1);
      listener.interrupt();
      assert.equal(await exit, 0);
    });
  });
});
