import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { type DevProcess, startDev } from '../support/dev-process.ts';
import { type Message, openStream } from '../support/open-stream.ts';
import { request } from '../support/request.ts';
import { until } from '../support/until.ts';
import { configuration } from './yaml.ts';

const LEAD_S = 6;
/** Long enough for the challenge to come by itself and not at once. */
const LIFETIME_S = LEAD_S + 2;
const ANSWER = 'application/x-challenge-response';
/** Time for an end that should not come to come. */
const SPARE_MS = 500;

/** Each test has subjects of its own and mostly waits. */
const SIDE_BY_SIDE = 5;

/** All on a real `dev`, whose guard has the mode and asks six seconds before the end. */
class Challenged {
  readonly dev: DevProcess;
  readonly directory: string;
  #subjects = 0;

  private constructor(dev: DevProcess, directory: string) {
    this.dev = dev;
    this.directory = directory;
  }

  static async start(answer: 'Stream' | 'Subject'): Promise<Challenged> {
    const directory = await mkdtemp(join(tmpdir(), 'tidegate-challenge-'));
    const file = join(directory, 'local.yaml');
    const guard = `credentials: { query: access_token }, challenge: { leadTime: ${LEAD_S}s, answer: ${answer} }`;
    await writeFile(file, configuration({ guard }));
    return new Challenged(await startDev(file), directory);
  }

  async stop(): Promise<void> {
    await this.dev[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Somebody new: an answer may extend every stream of its subject. */
  subject(): string {
    this.#subjects += 1;
    return `subject-${this.#subjects}`;
  }

  token(
    subject: string,
    ttlSeconds: number,
    claims: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    return this.dev.mint(ttlSeconds, subject, claims);
  }

  get url(): string {
    return `http://127.0.0.1:${this.dev.ports.clearText}/events`;
  }

  /** A stream by HTTP/1.1, whose connection carries nothing else. */
  async open(subject: string, ttlSeconds = LIFETIME_S) {
    const token = await this.token(subject, ttlSeconds);
    const stream = await openStream(this.dev.ports.clearText, '/events', {
      authorization: `Bearer ${token}`,
    });
    assert.equal(stream.status, 200, stream.body());
    return { stream, token };
  }
}

for (const mode of ['Subject', 'Stream'] as const) {
  describe(`a challenge to be answered by ${mode}`, { concurrency: SIDE_BY_SIDE }, () => {
    let on: Challenged;
    before(async () => {
      on = await Challenged.start(mode);
    });
    after(() => on?.stop());

    it('says what is to be sent, and when', async () => {
      const { stream, token } = await on.open(on.subject());
      using _ = stream;
      const { data, id } = await stream.next('challenge');
      const leftMs = expiryOf(token) - Date.now();
      assert.ok(leftMs > 0 && leftMs <= LEAD_S * 1100 + 50, `${leftMs} ms are left`);
      assert.equal(id, undefined);
      const { method, headers } = JSON.parse(data);
      assert.equal(method, 'POST');
      if (mode === 'Subject') {
        assert.equal(data, `{"method":"POST","headers":{"content-type":"${ANSWER}"}}`);
      } else {
        assert.deepEqual(Object.keys(headers), ['content-type', 'challenge-id']);
        assert.equal(headers['content-type'], ANSWER);
        assert.match(headers['challenge-id'], /^[\w.-]{22,}$/);
      }
    });

    it('is answered on the connection of the stream itself', { timeout: 90_000 }, async () => {
      const subject = on.subject();
      const session = connect(on.dev.origin, { ca: await on.dev.certificate() });
      try {
        const fresh = await on.token(subject, 60);
        const token = await on.token(subject, LIFETIME_S);
        const stream = openOn(session, token);
        const { method, headers } = JSON.parse((await stream.next('challenge')).data);
        const answer = session.request({
          ':method': method,
          ':path': '/events',
          ...headers,
          authorization: `Bearer ${fresh}`,
        });
        answer.end();
        const [response] = await once(answer.resume(), 'response');
        assert.equal(response[':status'], 204);
        await goesOnAfter(token, on, stream);
      } finally {
        session.destroy();
      }
    });

    for (const [way, place] of [
      [
        'header',
        (_url: string, token: string) => ({ url: _url, headers: { authorization: `Bearer ${token}` } }),
      ],
      ['query', (url: string, token: string) => ({ url: `${url}?access_token=${token}`, headers: {} })],
    ] as const) {
      it(`is answered on another connection, the token in the ${way}`, async () => {
        const subject = on.subject();
        const answer = place(on.url, await on.token(subject, 60));
        const { stream, token } = await on.open(subject);
        using _ = stream;
        const { method, headers } = JSON.parse((await stream.next('challenge')).data);
        const { status, body } = await request(answer.url, {
          method,
          headers: { ...headers, ...answer.headers },
        });
        assert.equal(status, 204);
        assert.equal(body, '');
        await goesOnAfter(token, on, stream);
      });
    }

    it('is answered in the header although the URL has the old token', async () => {
      const subject = on.subject();
      const fresh = await on.token(subject, 60);
      const { stream, token } = await on.open(subject);
      using _ = stream;
      const { method, headers } = JSON.parse((await stream.next('challenge')).data);
      const { status } = await request(`${on.url}?access_token=${token}`, {
        method,
        headers: { ...headers, authorization: `Bearer ${fresh}` },
      });
      assert.equal(status, 204);
    });

    it('comes again before the answer expires', async () => {
      const subject = on.subject();
      const answers: string[] = [];
      // The last asks for no more while the test looks.
      for (const ttl of [LIFETIME_S + 4, LIFETIME_S + 6, 60]) answers.push(await on.token(subject, ttl));
      const { stream } = await on.open(subject);
      using _ = stream;
      for (const [index, fresh] of answers.entries()) {
        const { method, headers } = JSON.parse((await stream.next('challenge', index + 1)).data);
        const { status } = await request(on.url, {
          method,
          headers: { ...headers, authorization: `Bearer ${fresh}` },
        });
        assert.equal(status, 204);
      }
      assert.equal(stream.messages.length, 3, 'once for each token');
    });

    it('ends the stream at the end of its token when nobody answers, and not before', async () => {
      const { stream, token } = await on.open(on.subject());
      using _ = stream;
      const end = await stream.next('end');
      const endedAt = Date.now();
      assert.deepEqual(end, {
        id: undefined,
        event: 'end',
        data: '{"reason":"token_expired","reconnect":false}',
      });
      assert.ok(endedAt >= expiryOf(token), `${expiryOf(token) - endedAt} ms too early`);
      assert.equal((await stream.ended).clean, true);
      assert.deepEqual(
        stream.messages.map(({ event }) => event),
        ['challenge', 'end'],
      );
    });

    it('gives wrong answers their codes, and none of them harms the stream', {
      timeout: 90_000,
    }, async () => {
      const subject = on.subject();
      const other = on.subject();
      const unheard = mode === 'Subject' ? [404, 'no_such_challenge'] : [403, 'other_subject'];
      const wrong = [
        ['without a token', undefined, 401, 'missing'],
        ['not a token', 'x', 401, 'malformed'],
        [
          'for another audience',
          await on.token(subject, 60, { aud: 'https://x.example' }),
          401,
          'wrong_audience',
        ],
        [
          'from another issuer',
          await on.token(subject, 60, { iss: 'https://x.example' }),
          401,
          'wrong_issuer',
        ],
        ['of somebody else', await on.token(other, 60), ...unheard],
        ['with less scope', await on.token(subject, 60, { scope: 'other' }), 403, 'insufficient_scope'],
      ] as const;
      const fresh = { authorization: `Bearer ${await on.token(subject, 60)}` };
      const { stream, token } = await on.open(subject);
      using _ = stream;
      const { method, headers } = JSON.parse((await stream.next('challenge')).data);
      for (const [what, answer, status, code] of [
        ...wrong,
        ['that is no later', token, 409, 'not_later'] as const,
      ]) {
        const refused = await request(on.url, {
          method,
          headers: { ...headers, ...(answer === undefined ? {} : { authorization: `Bearer ${answer}` }) },
        });
        assert.deepEqual([refused.status, refused.code], [status, code], what);
        assert.equal(refused.headers.get('access-control-allow-origin'), '*', what);
      }
      const body = await request(on.url, {
        method,
        headers: { ...headers, ...fresh },
        body: 'x'.repeat(1025),
      });
      assert.deepEqual([body.status, body.code], [413, 'too_large']);
      const wrongType = await request(on.url, {
        method,
        headers: { ...fresh, 'content-type': 'text/plain' },
      });
      assert.deepEqual([wrongType.status, wrongType.code], [415, 'unsupported_media_type']);
      if (mode === 'Stream') {
        const nameless = await request(on.url, { method, headers: { 'content-type': ANSWER, ...fresh } });
        assert.deepEqual([nameless.status, nameless.code], [400, 'missing_challenge_id']);
        const madeUp = { 'content-type': ANSWER, 'challenge-id': 'x.AAAAAAAAAAAAAAAAAAAAAA', ...fresh };
        const unknown = await request(on.url, { method, headers: madeUp });
        assert.deepEqual([unknown.status, unknown.code], [404, 'no_such_challenge']);
      }
      const { status } = await request(on.url, { method, headers: { ...headers, ...fresh } });
      assert.equal(status, 204, 'and the right one is taken still');
      const again = await request(on.url, { method, headers: { ...headers, ...fresh } });
      assert.equal(again.status, 204, 'once more is no fault');
      await goesOnAfter(token, on, stream);
    });

    it(`extends ${mode === 'Subject' ? 'every stream of its subject' : 'no other stream'}`, async () => {
      const subject = on.subject();
      const fresh = { authorization: `Bearer ${await on.token(subject, 60)}` };
      const asked = await on.open(subject);
      using _ = asked.stream;
      const beside = await on.open(subject);
      using __ = beside.stream;
      const { method, headers } = JSON.parse((await asked.stream.next('challenge')).data);
      assert.equal((await request(on.url, { method, headers: { ...headers, ...fresh } })).status, 204);
      if (mode === 'Subject') await goesOnAfter(beside.token, on, beside.stream);
      else await beside.stream.next('end');
      await goesOnAfter(asked.token, on, asked.stream);
    });
  });
}

/** Not ended with this token, and events still come. */
async function goesOnAfter(
  token: string,
  on: Challenged,
  stream: { readonly messages: readonly Message[]; next(type: string): Promise<Message> },
): Promise<void> {
  const { exp, sub } = claimsOf(token);
  await delay(Math.max(0, exp * 1000 + SPARE_MS - Date.now()));
  const type = `still-${Math.round(performance.now())}`;
  await request(`http://127.0.0.1:${on.dev.ports.publish}/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event: type, data: 'here', to: sub }),
  });
  await stream.next(type);
  assert.equal(
    stream.messages.some(({ event }) => event === 'end'),
    false,
  );
}

/** A stream on an HTTP/2 session that has room for the answer beside it. */
function openOn(session: ClientHttp2Session, token: string) {
  const messages: Message[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => void messages.push({ id, event, data }),
  });
  const request = session.request({ ':path': '/events', authorization: `Bearer ${token}` });
  request.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
  return {
    messages,
    async next(type: string): Promise<Message> {
      const find = (): Message | undefined => messages.find(({ event }) => event === type);
      await until(() => find() !== undefined, `${type} comes`);
      return find() ?? assert.fail();
    },
  };
}

/** In milliseconds since the Unix epoch. */
function expiryOf(token: string): number {
  return claimsOf(token).exp * 1000;
}

function claimsOf(token: string): { readonly exp: number; readonly sub: string } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}
