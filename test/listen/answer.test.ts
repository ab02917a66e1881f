import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { fixedToken } from '../../src/listen/token-source.ts';
import { Listener, tokens } from './listener.ts';
import { accept, CHALLENGE, end, refuse, ScriptedServer, stream } from './scripted-server.ts';

describe('an answer', { timeout: 90_000 }, () => {
  let server: ScriptedServer;
  let listener: Listener;
  const challenged = (options: ConstructorParameters<typeof Listener>[1], challenge = CHALLENGE) => {
    server.streams(stream(challenge));
    listener = new Listener(server.url('/events?topic=a&access_token=old'), options);
  };
  const answers = () => server.requests.filter(({ method }) => method === 'POST');
  beforeEach(async () => {
    server = await new ScriptedServer().start();
  });
  afterEach(async () => {
    listener.interrupt();
    assert.equal(await listener.exit, 0);
    assert.equal(listener.out, '', 'a challenge is not printed');
    assert.ok(
      listener.err.every((line) => !/old|fresh-token/.test(line)),
      'no token is printed',
    );
    await server.stop();
  });

  it("goes to the stream's URL with the headers that were asked for and a fresh token", async () => {
    server.answers(accept);
    challenged({ tokens: tokens('first', 'fresh-token') });
    await listener.untilErr('challenge answered');
    const [answer] = answers();
    assert.equal(answer?.url, '/events?topic=a');
    assert.equal(answer?.headers.authorization, 'Bearer fresh-token');
    assert.equal(answer?.headers['content-type'], 'application/x-challenge-response');
    assert.equal(answer?.headers['challenge-id'], 'pod.abc');
    assert.equal(answer?.headers['content-length'], '0');
    assert.equal(listener.err.length, 2);
  });

  it('leaves the stream going on', async () => {
    let write = (_text: string) => {};
    server.answers(accept).streams((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      write = (text) => void response.write(text);
      write(CHALLENGE);
    });
    listener = new Listener(server.url(), { tokens: tokens('first', 'fresh-token') });
    await listener.untilErr('challenge answered');
    server.answers(accept);
    write(CHALLENGE);
    await listener.until(() => listener.err.filter((line) => line === 'challenge answered').length === 2);
    assert.equal(server.requests.filter(({ method }) => method === 'GET').length, 1);
  });

  it('is repeated while that is safe, three times at most', async () => {
    const busy = refuse(503, 'owner_unreachable');
    server.answers(busy, busy, busy, busy, accept);
    challenged({ tokens: tokens('first', 'fresh-token') });
    await listener.untilErr('challenge not answered: ');
    assert.deepEqual(listener.err.slice(1), [
      'challenge not answered yet: 503 owner_unreachable: Title of owner_unreachable.; repeating in 0.3 s',
      'challenge not answered yet: 503 owner_unreachable: Title of owner_unreachable.; repeating in 0.6 s',
      'challenge not answered yet: 503 owner_unreachable: Title of owner_unreachable.; repeating in 1.2 s',
      'challenge not answered: 503 owner_unreachable: Title of owner_unreachable.',
    ]);
    assert.equal(answers().length, 4);
  });

  it('is repeated with the same token and id after a lost connection', async () => {
    server.answers((response) => response.socket?.destroy(), accept);
    challenged({ tokens: tokens('first', 'fresh-token', 'fresh-token-2') });
    await listener.untilErr('challenge answered');
    assert.deepEqual(
      answers().map(({ headers }) => [headers.authorization, headers['challenge-id']]),
      [
        ['Bearer fresh-token', 'pod.abc'],
        ['Bearer fresh-token', 'pod.abc'],
      ],
    );
  });

  it('is repeated when it is not heard of for 5 s', async () => {
    server.answers(() => {}, accept);
    challenged({ tokens: tokens('first', 'fresh-token') });
    await listener.until(() => answers().length === 1);
    listener.clock.advance(5_001);
    await listener.untilErr('challenge answered');
  });

  for (const [status, code] of [
    [400, 'missing_challenge_id'],
    [401, 'expired'],
    [403, 'other_subject'],
    [404, 'no_such_challenge'],
    [409, 'not_later'],
  ] as const) {
    it(`that is refused with ${status} is not repeated, and ends nothing`, async () => {
      server.answers(refuse(status, code));
      challenged({ tokens: tokens('first', 'fresh-token') });
      await listener.untilErr(`challenge not answered: ${status} ${code}: Title of ${code}.`);
      assert.equal(answers().length, 1);
      assert.equal(server.requests.length, 2);
    });
  }

  it('is not given without a source of fresh tokens, and that is said', async () => {
    challenged({ tokens: fixedToken('first') });
    await listener.untilErr(
      'challenged, but there is no --token-command or --token-file: the stream ends with its token',
    );
    assert.equal(answers().length, 0);
  });

  it('asks for a token a second time, then gives up', async () => {
    challenged({ tokens: tokens('first', undefined, undefined, 'fresh-token') });
    await listener.untilErr('challenge not answered');
    assert.deepEqual(listener.err.slice(1), [
      'the token command failed with exit status 1; repeating in 1 s',
      'challenge not answered: the token command failed with exit status 1',
    ]);
    assert.equal(answers().length, 0);
  });

  it('is given with the token of the second time', async () => {
    server.answers(accept);
    challenged({ tokens: tokens('first', undefined, 'fresh-token') });
    await listener.untilErr('challenge answered');
  });

  it('is not given to a challenge that would change who asks', async () => {
    challenged(
      { tokens: tokens('first', 'fresh-token') },
      'event:challenge\ndata:{"method":"POST","headers":{"Authorization":"x"}}\n\n',
    );
    await listener.untilErr('challenge not answered: it sets the header authorization');
    assert.equal(answers().length, 0);
  });

  it('to an older challenge is dropped for a newer one', async () => {
    server.answers(() => {}, accept);
    const second = CHALLENGE.replace('pod.abc', 'pod.def');
    let write = (_text: string) => {};
    server.streams((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      write = (text) => void response.write(text);
      write(CHALLENGE);
    });
    listener = new Listener(server.url(), { tokens: tokens('first', 'fresh-token') });
    await listener.until(() => answers().length === 1);
    write(second);
    await listener.untilErr('challenge answered');
    assert.deepEqual(
      answers().map(({ headers }) => headers['challenge-id']),
      ['pod.abc', 'pod.def'],
    );
  });

  it('is dropped with its stream', async () => {
    let write = (_text: string) => {};
    server
      .answers(() => {})
      .streams((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        write = (text) => void response.write(text);
        write(CHALLENGE);
      }, stream(':\n\n'));
    listener = new Listener(server.url(), { tokens: tokens('first', 'fresh-token') });
    await listener.until(() => answers().length === 1);
    write(end('draining', true));
    await listener.until(() => server.requests.length === 3);
    listener.clock.advance(20_000);
    assert.ok(listener.err.every((line) => !line.startsWith('challenge')));
  });
});
