import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Browser } from 'playwright-core';
import { clientContract, type Opened, type Wishes } from '../client/contract.ts';
import { launchChromium, noChromium, openPage, type WatchedPage } from '../support/chromium.ts';
import { ROOT } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';

/** All that the page of another origin has; the rest a test tells it. */
const PAGE = `<!doctype html>
<link rel="icon" href="data:," />
<script type="module">
  import { GuardedEventSource } from './guarded-event-source.js';
  import { record } from './recorder.js';
  globalThis.begin = (url, { asks, ...init }) => {
    const getToken = asks ? { getToken: ({ fresh }) => globalThis.askForToken(fresh) } : {};
    globalThis.recorded = record(GuardedEventSource, url, { ...init, ...getToken });
  };
</script>
`;

interface OpenedPage extends Opened {
  readonly watched: WatchedPage;
}

describe('in Chromium, the client', { skip: noChromium }, () => {
  let server: Server;
  let browser: Browser;
  let origin: string;

  before(async () => {
    const files = new Map([
      ['/', { text: PAGE, type: 'text/html' }],
      ...(await Promise.all([script('client/guarded-event-source.js'), script('test/client/recorder.js')])),
    ]);
    server = createServer((request, response) => {
      const file = files.get(request.url ?? '');
      if (file === undefined) return response.writeHead(404).end();
      return response.writeHead(200, { 'content-type': file.type }).end(file.text);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  clientContract({ open: (test, url, wishes) => open(test, url, wishes) });

  it('sends its token in no URL, and asks for nothing but its stream and its answers', async (test) => {
    await using gateway = await startGateway({ guard: 'challenge: { leadTime: 4s }' });
    const getToken = () => Promise.resolve(gateway.token({}, 8));
    const opened = await open(test, `${gateway.origin}/events`, { getToken });
    await told(opened, 'answer', 2);
    const asked = opened.watched.requested.filter(
      (url) => !url.startsWith(origin) && !url.startsWith('data:'),
    );
    assert.deepEqual(new Set(asked), new Set([`${gateway.origin}/events`]));
    assert.deepEqual(opened.watched.fetched, [`${gateway.origin}/events`], 'all on one stream');
    assert.deepEqual(opened.watched.faults, []);
  });

  it('lives on a cookie of its gateway, renewed for each challenge', async (test) => {
    await using gateway = await startGateway({
      guard: 'credentials: { header: false, cookie: session }, challenge: { leadTime: 4s }',
      gateway: `streams: [{ path: /events, guardRefs: [{ name: main }] }], cors: { origins: ['${origin}'] }`,
    });
    const page = await openPage(browser, `${origin}/`);
    test.after(() => page[Symbol.asyncDispose]());
    // One host, two ports: cookies are of the host (RFC 6265, 8.5), origins are not.
    await page.page.exposeFunction('freshToken', () => gateway.token({}, 8));
    await page.page.evaluate(`(async () => {
      const { GuardedEventSource } = await import('./guarded-event-source.js');
      const { record } = await import('./recorder.js');
      globalThis.recorded = record(GuardedEventSource, '${gateway.origin}/events', {
        withCredentials: true,
        getToken: async () => {
          document.cookie = 'session=' + (await freshToken());
        },
      });
    })()`);
    const opened = { watched: page, entries: () => page.page.evaluate<never>('recorded.entries') };
    await told(opened, 'answer', 3);
    await gateway.publish('still here');
    await told(opened, 'message');
    assert.deepEqual(page.fetched, [`${gateway.origin}/events`], 'all on one stream');
    assert.deepEqual(page.faults, []);
  });

  it('is not heard by a gateway that does not know its origin', async (test) => {
    await using gateway = await startGateway({
      gateway: "streams: [{ path: /events, public: true }], cors: { origins: ['https://other.example'] }",
    });
    const opened = await open(test, `${gateway.origin}/events`, { retryMs: 60_000 });
    await told(opened, 'error');
    assert.deepEqual(await opened.entries(), [{ type: 'error', state: 0, code: 'network' }]);
  });

  async function open(test: TestContext, url: string, { getToken, ...init }: Wishes): Promise<OpenedPage> {
    const watched = await openPage(browser, `${origin}/`);
    test.after(() => watched[Symbol.asyncDispose]());
    const { page } = watched;
    if (getToken !== undefined) await page.exposeFunction('askForToken', getToken);
    const wishes = { ...init, asks: getToken !== undefined };
    await page.evaluate(`begin(${JSON.stringify(url)}, ${JSON.stringify(wishes)})`);
    return { watched, entries: () => page.evaluate<never>('recorded.entries') };
  }
});

async function told({ entries }: Opened, type: string, count = 1): Promise<void> {
  await eventually(async () => {
    const all = await entries();
    assert.ok(
      all.filter((entry) => entry.type === type).length >= count,
      `${type} in ${JSON.stringify(all)}`,
    );
  });
}

async function script(path: string): Promise<readonly [string, { text: string; type: string }]> {
  const text = await readFile(join(ROOT, path), 'utf8');
  return [`/${path.split('/').at(-1)}`, { text, type: 'text/javascript' }];
}
