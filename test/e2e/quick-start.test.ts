import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { readPage } from '../docs/markdown.ts';
import { launchChromium, noChromium, openPage } from '../support/chromium.ts';
import { startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { request } from '../support/request.ts';

const ANSWERED = 'tidegate_challenges_total{guard="example",outcome="answered"} 1';

describe('docs/quick-start.md, in a page', { skip: noChromium }, () => {
  for (const [what, isShown] of [
    ['the client library', (text: string) => text.startsWith('import ')],
    ["the browser's own EventSource", (text: string) => text.includes('new EventSource(')],
  ] as const) {
    it(`has all that a page needs with ${what}: its stream gets events and is kept authorised`, async (test) => {
      const [shown] = readPage('docs/quick-start.md').blocks.filter(
        ({ language, text }) => language === 'js' && isShown(text),
      );
      assert.ok(shown);
      await using dev = await startDev();
      const browser = await launchChromium();
      test.after(() => browser.close());
      await using watched = await openPage(browser, `${dev.origin}/`);
      const { page } = watched;
      const printed: string[] = [];
      page.on('console', (message) => printed.push(message.text()));
      let asked = 0;
      // With less than the lead time left, the first is challenged at once.
      await page.exposeFunction('freshToken', () => dev.mint(asked++ === 0 ? 9 : 60, 'alice'));
      // The policy of this page allows no other script, and what is evaluated is no module.
      const script = shown.text
        .replaceAll('https://localhost:7143', dev.origin)
        .replace(/^import (.+) from (.+);$/m, 'const $1 = await import($2);');
      await page.evaluate(`(async () => {${script}})()`);
      await eventually(async () => {
        const { body } = await request(`http://localhost:${dev.ports.admin}/metrics`);
        assert.ok(body.includes(ANSWERED));
      });
      assert.equal(asked, 2);
      connect(dev.ports.ingest, '127.0.0.1').end('{"data":"hello"}\n');
      await eventually(() => assert.deepEqual(printed, ['hello']));
      assert.deepEqual(watched.faults, []);
    });
  }
});
