import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { AUDIENCE, createKey, forge, ISSUER, jwks } from '../support/issuer.ts';
import { JwksServer, json } from '../support/jwks-server.ts';
import { openStream } from '../support/open-stream.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { request } from '../support/request.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const SUBJECT = 'alice-of-the-token';
const key = createKey('k1');

function token(sub = SUBJECT): string {
  const now = Math.floor(Date.now() / 1_000);
  return forge(key, { iss: ISSUER, aud: AUDIENCE, sub, iat: now, exp: now + 600 + issued++ });
}
let issued = 0;

async function tracedDev(test: TestContext, collector: OtlpReceiver) {
  const issuer = await new JwksServer(json(jwks(key))).start();
  test.after(() => issuer.stop());
  const file = join(await temporaryDirectory(test), 'tidegate.yaml');
  await writeFile(
    file,
    `
apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: main }
spec:
  issuer: '${ISSUER}'
  audiences: ['${AUDIENCE}']
  jwks: { uri: '${issuer.uri}?key=of-the-jwks-url' }
  challenge: { leadTime: 1h, answer: Subject }
---
apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: test }
spec: { streams: [{ path: /events, guardRefs: [{ name: main }] }] }
`,
  );
  return startDev(file, undefined, ['--otlp-endpoint', collector.endpoint]);
}

describe('a process with a collector', { timeout: 180_000 }, () => {
  it('delivers its spans, without anything of tokens, subjects, queries and payloads', async (test) => {
    await using collector = await new OtlpReceiver().start();
    await using dev = await tracedDev(test, collector);
    const origin = `http://127.0.0.1:${dev.ports.clearText}`;
    const tokens = [token(), token(), token('mallory-of-the-token')];
    {
      using stream = await openStream(
        dev.ports.clearText,
        `/events?access_token=${tokens[0]}&lastEventId=1-77`,
      );
      assert.equal(stream.status, 200);
      await stream.next('challenge');
      const answer = await request(`${origin}/events?access_token=${tokens[0]}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-challenge-response', authorization: `Bearer ${tokens[1]}` },
        body: 'body-of-the-answer',
      });
      assert.equal(answer.status, 204);
      await request(`${origin}/events?topic=forbidden-topic&access_token=${tokens[2]}`);
    }
    // At its end `dev` gives them 300 ms, which a busy machine needs for other things.
    await eventually(() => assert.equal(collector.spans.length, 4));
    dev.child.kill('SIGTERM');
    await once(dev.child, 'exit');
    assert.equal(dev.child.exitCode, 0);
    assert.deepEqual(
      collector.spans.map(({ name, attributes }) => [name, attributes['tidegate.outcome']]).toSorted(),
      [
        ['answer', 'applied'],
        ['jwks fetch', 'ok'],
        ['subscribe', 'opened'],
        ['subscribe', 'topic_forbidden'],
      ],
    );
    assert.equal(collector.resource['service.name'], 'tidegate-dev');
    const secrets = [
      ...tokens.flatMap((each) => each.split('.')),
      ...['of-the-token', 'of-the-jwks-url', 'of-the-answer', 'forbidden-topic', 'access_token', '1-77'],
    ];
    for (const secret of secrets) {
      assert.ok(!collector.raw.includes(secret), secret);
      assert.ok(!dev.log().includes(secret), secret);
    }
  });

  it('ends all the same when the collector takes nothing', async (test) => {
    await using collector = await new OtlpReceiver().start();
    collector.answer = () => undefined;
    await using dev = await tracedDev(test, collector);
    await request(`http://127.0.0.1:${dev.ports.clearText}/events`);
    dev.child.kill('SIGTERM');
    await once(dev.child, 'exit');
    assert.equal(dev.child.exitCode, 0);
  });
});
