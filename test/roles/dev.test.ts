import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { createKey, jwks } from '../support/issuer.ts';
import { JwksServer, json } from '../support/jwks-server.ts';
import { request } from '../support/request.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** Longer than a change of the file takes to be noticed. */
const NOTICED_MS = 1_000;

function configuration(uri: string, path: string): string {
  return `
apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: main }
spec: { issuer: 'https://issuer.example/', audiences: [events], jwks: { uri: '${uri}' } }
---
apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: test }
spec: { streams: [{ path: ${path}, guardRefs: [{ name: main }] }] }
`;
}

describe('dev', () => {
  it('takes a change of its file that comes while it starts', { timeout: 180_000 }, async (test) => {
    const file = join(await temporaryDirectory(test), 'local.yaml');
    const answers: (() => void)[] = [];
    const issuer = await new JwksServer((...exchange) => {
      answers.push(() => json(jwks(createKey('k1')))(...exchange));
    }).start();
    test.after(() => issuer.stop());
    await writeFile(file, configuration(issuer.uri, '/before'));
    const starting = startDev(file);
    // So that a failure below does not leave it running.
    test.after(async () => (await starting)[Symbol.asyncDispose]());
    await eventually(() => assert.equal(answers.length, 1));
    await writeFile(file, configuration(issuer.uri, '/after'));
    await wait(NOTICED_MS);
    for (const answer of answers) answer();
    const { ports } = await starting;
    const status = async (path: string) =>
      (await request(`http://127.0.0.1:${ports.clearText}${path}`)).status;
    await eventually(async () =>
      assert.deepEqual([await status('/after'), await status('/before')], [401, 404]),
    );
  });
});
