import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLocalCertificate } from '../../src/dev/certificate.ts';
import type { AccessSettings } from '../../src/kube/credentials.ts';
import { FileCredentials } from '../../src/kube/file-credentials.ts';
import { HttpKubeClient } from '../../src/kube/http-kube-client.ts';
import { inCluster, podNamespace } from '../../src/kube/in-cluster.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordedLog } from '../support/recorded-guards.ts';
import { answer, serveApi, THINGS, thing } from '../support/scripted-api.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const [ours, others] = await Promise.all([
  createLocalCertificate(Date.now()),
  createLocalCertificate(Date.now()),
]);

async function mounted(test: TestContext) {
  const directory = await temporaryDirectory(test);
  const clock = new FakeClock();
  const log = new RecordedLog();
  const settings = inCluster({ host: '10.0.0.1', port: '443', directory });
  const credentials = new FileCredentials(settings, clock, log);
  const put = async (name: string, text: string) => {
    await writeFile(join(directory, 'next'), text);
    await rename(join(directory, 'next'), join(directory, name));
  };
  await put('ca.crt', ours.cert);
  await put('token', 'first\n');
  return { directory, clock, log, credentials, put };
}

describe('the credentials of a pod', () => {
  it('are the mounted token and CA', async (test) => {
    const { credentials } = await mounted(test);
    const { server, ca, token, client } = await credentials.access();
    assert.deepEqual([server.href, ca, token, client], ['https://10.0.0.1/', ours.cert, 'first', undefined]);
  });

  it('are read again after some seconds', async (test) => {
    const { credentials, put, clock } = await mounted(test);
    await credentials.access();
    await put('token', 'second');
    await put('ca.crt', others.cert);
    clock.advance(9_999);
    assert.equal((await credentials.access()).token, 'first');
    clock.advance(1);
    const { token, ca } = await credentials.access();
    assert.deepEqual([token, ca], ['second', others.cert]);
  });

  it('are read again at once when they are doubted', async (test) => {
    const { credentials, put } = await mounted(test);
    await credentials.access();
    await put('token', 'second');
    credentials.doubt();
    assert.equal((await credentials.access()).token, 'second');
  });

  const faults: readonly (readonly [string, string, string])[] = [
    ['an empty token', 'token', ' \n'],
    ['a token of two lines', 'token', 'first\nsecond'],
    ['a token that could not be sent', 'token', 'fir\u00e9st'],
    ['an empty CA', 'ca.crt', ''],
    ['a CA that is none', 'ca.crt', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['a CA of 2 MB', 'ca.crt', 'x'.repeat(2_000_000)],
  ];
  for (const [what, name, text] of faults) {
    it(`with ${what} are refused at first`, async (test) => {
      const { credentials, put } = await mounted(test);
      await put(name, text);
      await assert.rejects(credentials.access(), { code: 'credentials', retryable: true });
      await put('token', 'first');
      await put('ca.crt', ours.cert);
      assert.equal((await credentials.access()).token, 'first');
    });

    it(`with ${what} later leave the last good ones in force, which is told once`, async (test) => {
      const { credentials, put, log, clock } = await mounted(test);
      await credentials.access();
      await put(name, text);
      for (let i = 0; i < 3; i++) {
        clock.advance(10_000);
        const { token, ca } = await credentials.access();
        assert.deepEqual([token, ca], ['first', ours.cert]);
      }
      assert.equal(log.lines.length, 1);
      assert.ok(!/first|second/.test(log.lines[0] ?? ''));
    });
  }

  it('that are gone leave the last good ones in force', async (test) => {
    const { credentials, directory } = await mounted(test);
    await credentials.access();
    await rm(join(directory, 'token'));
    credentials.doubt();
    assert.equal((await credentials.access()).token, 'first');
  });

  it('are read once for all who ask at the same time', async (test) => {
    const { credentials } = await mounted(test);
    const [one, other] = await Promise.all([credentials.access(), credentials.access()]);
    assert.equal(one, other);
  });

  for (const [host, port, href] of [
    ['10.0.0.1', '6443', 'https://10.0.0.1:6443/'],
    ['fd00::1', '443', 'https://[fd00::1]/'],
    ['api.test', '443', 'https://api.test/'],
  ] as const) {
    it(`lead to ${href}`, () => assert.equal(inCluster({ host, port }).server.href, href));
  }

  for (const [host, port] of [
    [undefined, '443'],
    ['', '443'],
    ['10.0.0.1', undefined],
    ['10.0.0.1', 'tcp://10.0.0.1:443'],
  ] as const) {
    it(`are not there with ${host}:${port}`, () => {
      assert.throws(() => inCluster({ host, port }), { code: 'input' });
    });
  }

  it('name the namespace', async (test) => {
    const { directory, put } = await mounted(test);
    await assert.rejects(podNamespace(directory), { code: 'input' });
    await put('namespace', 'team-a\n');
    assert.equal(await podNamespace(directory), 'team-a');
    await put('namespace', '../other');
    await assert.rejects(podNamespace(directory), { code: 'input' });
  });
});

describe('a client certificate', () => {
  it('is shown, and the one that has taken its place as well', async (test) => {
    const shown: string[] = [];
    const api = await serveApi(
      test,
      [1, 2].map(() => (response, request) => {
        const peer =
          'getPeerX509Certificate' in request.socket ? request.socket.getPeerX509Certificate : undefined;
        const certificate = typeof peer === 'function' ? peer.call(request.socket) : undefined;
        shown.push(String(certificate));
        answer(thing('a', 1))(response, request);
      }),
      { requestCert: true, rejectUnauthorized: false },
    );
    const directory = await temporaryDirectory(test);
    const put = async (pair: typeof ours) => {
      await writeFile(join(directory, 'tls.crt'), pair.cert);
      await writeFile(join(directory, 'tls.key'), pair.key);
    };
    const file = (name: string) => ({ kind: 'file', path: join(directory, name) }) as const;
    const settings: AccessSettings = {
      server: api.url,
      ca: { kind: 'text', text: api.certificate.cert },
      client: { cert: file('tls.crt'), key: file('tls.key') },
    };
    const clock = new FakeClock();
    const client = new HttpKubeClient(new FileCredentials(settings, clock, new RecordedLog()), clock, 'test');
    test.after(() => client.close());
    await put(ours);
    await client.get(THINGS, { name: 'a' });
    // Half of the change is not taken.
    await writeFile(join(directory, 'tls.crt'), others.cert);
    clock.advance(10_000);
    await put(others);
    clock.advance(10_000);
    await client.get(THINGS, { name: 'a' });
    assert.deepEqual(
      shown,
      [ours.cert, others.cert].map((cert) => `${cert.trim().replaceAll('\r', '')}\n`),
    );
  });
});
