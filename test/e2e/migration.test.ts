import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readPage } from '../docs/markdown.ts';
import { startDev } from '../support/dev-process.ts';
import { openStream } from '../support/open-stream.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const { blocks } = readPage('docs/migration-from-zilla.md');
/** As the example's page and its README make them; they have no `iat`. */
const CLAIMS = { sub: 'example', scope: 'proxy:stream', iat: undefined };

describe('docs/migration-from-zilla.md', () => {
  it('has documents with which the clients and producers of that example go on', async (test) => {
    const yaml = blocks.find(({ language }) => language === 'yaml')?.text ?? '';
    const file = join(await temporaryDirectory(test), 'migrated.yaml');
    // The keys alone are others: those that `dev` makes.
    await writeFile(file, yaml.replace('name: authn-jwt, key: jwks.json', 'name: dev-keys, key: jwks.json'));
    await using dev = await startDev(file);
    const path = `/events?access_token=${await dev.mint(9, 'example', CLAIMS)}`;
    using stream = await openStream(dev.ports.clearText, path);
    assert.equal(stream.status, 200);

    const { data } = await stream.next('challenge');
    const shown = blocks.find(({ language }) => language === 'text')?.text ?? '';
    assert.equal(`event:challenge\ndata:${data}\n\n`, shown);

    // What the example's page does, to the URL of its EventSource, the old token still in it.
    const request = JSON.parse(data);
    request.headers.authorization = `Bearer ${await dev.mint(60, 'example', CLAIMS)}`;
    const { status } = await fetch(`http://localhost:${dev.ports.clearText}${path}`, request);
    assert.equal(status, 204);

    // As `echo … | nc -c localhost 7001` sends it.
    connect(dev.ports.ingest, '127.0.0.1').end('{ "data": "Hello, world" }\n');
    assert.equal((await stream.next('message')).data, 'Hello, world');
  });
});
