import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium, noChromium, openPage, type WatchedPage } from '../support/chromium.ts';
import { type DevProcess, ROOT, startDev } from '../support/dev-process.ts';

/** The example as it is, but for a challenge so soon that a test can wait for it. */
const LEAD_TIME = '4s';
const LIFETIME_S = 8;
/** The gateway says 2 s, give or take a quarter; a browser that were to come back would have come back by then. */
const RETRY_MS_MAX = 3_000;
const ROWS_MAX = 500;

interface Colours {
  readonly text: string;
  readonly ink: string;
  readonly ground: string;
}

describe('the page', { skip: noChromium }, () => {
  let directory: string;
  let dev: DevProcess;
  let browser: Browser;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-page-'));
    const example = await readFile(join(ROOT, 'examples', 'local.yaml'), 'utf8');
    const file = join(directory, 'local.yaml');
    const impatient = example.replace('leadTime: 10s', `leadTime: ${LEAD_TIME}`);
    assert.notEqual(impatient, example);
    await writeFile(file, impatient);
    dev = await startDev(file);
    browser = await launchChromium();
  });
  after(async () => {
    await browser?.close();
    await dev?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  const open = (options?: BrowserContextOptions): Promise<WatchedPage> =>
    openPage(browser, `${dev.origin}/`, options);

  it('outlives its first token with Reauthorize ticked', async () => {
    await using watched = await open();
    const { page } = watched;
    assert.equal(await page.locator('#reauthorize').isChecked(), true);
    await start(page);
    // Four seconds lie between two answers, so with the third the first token's eight are over.
    await page.locator('[data-kind=answer]').nth(2).waitFor();
    assert.match(
      await textOf(page, '[data-kind=challenge] .text'),
      /^POST \/events\ncontent-type: application\/x-challenge-response$/,
    );
    assert.match(await textOf(page, '[data-kind=answer] .text'), /^204: authorised until \d\d:\d\d:\d\d$/);
    await page.fill('#event-data', 'still here');
    await page.click('#send');
    await page.locator('[data-kind=event] .text', { hasText: 'still here' }).waitFor();
    assert.equal(await textOf(page, '#state'), 'Open');
    assert.match(await textOf(page, '#remaining'), /^[1-8] s$/);
    assert.deepEqual(watched.fetched, [`${dev.origin}/events`], 'all on one stream, and its token in no URL');
    await page.click('#go');
    assert.equal(await textOf(page, '#state'), 'Stopped');
    assert.deepEqual(watched.faults, []);
    assert.deepEqual(foreign(watched), []);
  });

  it('visibly ends with its token with Reauthorize unticked', async () => {
    await using watched = await open();
    const { page } = watched;
    await page.uncheck('#reauthorize');
    await start(page);
    await page.locator('#state', { hasText: 'Ended: token_expired' }).waitFor();
    assert.equal(await textOf(page, '[data-kind=end] .text'), 'token_expired, reconnect: false');
    assert.equal(await page.locator('[data-kind=challenge]').count(), 1);
    assert.equal(await page.locator('[data-kind=answer]').count(), 0);
    assert.equal(await page.locator('#countdown').isVisible(), false);
    assert.equal(await textOf(page, '#go'), 'Go');
    await page.waitForTimeout(RETRY_MS_MAX);
    assert.deepEqual(watched.fetched, [`${dev.origin}/events`], 'and does not come back');
    assert.deepEqual(watched.faults, []);
    assert.deepEqual(foreign(watched), []);
  });

  it('answers a waiting challenge when Reauthorize is ticked late', async () => {
    await using watched = await open();
    const { page } = watched;
    await page.uncheck('#reauthorize');
    await start(page);
    await page.locator('[data-kind=note]').waitFor();
    await page.check('#reauthorize');
    await page.locator('[data-kind=answer] .text', { hasText: '204' }).first().waitFor();
    assert.deepEqual(watched.faults, []);
  });

  it('can be used by keyboard alone', async () => {
    await using watched = await open();
    const { page } = watched;
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const order: string[] = [];
    for (let stop = 0; stop < 10; stop += 1) {
      await press('Tab');
      order.push(await focused(page));
      const outline = await page.evaluate<string>("inPage.style(':focus', 'outlineStyle')");
      assert.notEqual(outline, 'none', `the focus shows on ${order.at(-1)}`);
    }
    assert.deepEqual(
      order.join(' '),
      'url lifetime subject types reauthorize go event-data event-type event-topic send',
    );
    await page.focus('#lifetime');
    await press('ControlOrMeta+a');
    await page.keyboard.type('600');
    await press('Enter');
    await page.locator('#state', { hasText: 'Open' }).waitFor();
    await press('Enter');
    await press('Tab', 'Tab', 'Tab', 'Space');
    assert.equal(await page.locator('#reauthorize').isChecked(), false);
    assert.equal(await textOf(page, '#state'), 'Open', 'Enter in a field does not stop a stream');
    await press('Tab', 'Tab', 'ControlOrMeta+a');
    await page.keyboard.type('typed');
    await press('Tab');
    await page.keyboard.type('keys');
    await press('Enter');
    const row = page.locator('[data-kind=event]', { hasText: 'typed' });
    await row.waitFor();
    assert.equal(await row.locator('.label').textContent(), 'keys');
    await page.locator('#sent', { hasText: /^Sent as \d+-\d+$/ }).waitFor();
    await press('Shift+Tab', 'Shift+Tab', 'Enter');
    assert.equal(await textOf(page, '#state'), 'Stopped');
    assert.equal(await focused(page), 'go', 'the focus stays');
    assert.deepEqual(watched.faults, []);
  });

  it('keeps the newest rows on top, and only so many', async () => {
    await using watched = await open();
    const { page } = watched;
    await start(page, 600);
    const socket = connect(dev.ports.ingest, '127.0.0.1');
    for (let index = 0; index < ROWS_MAX + 50; index += 1) socket.write(`{"data":"${index}"}\n`);
    socket.end();
    await once(socket.resume(), 'close');
    await page.locator('#count', { hasText: `${ROWS_MAX + 50} received` }).waitFor();
    const texts = await page.locator('#rows .text').allTextContents();
    assert.deepEqual(
      texts,
      Array.from({ length: ROWS_MAX }, (_, index) => String(ROWS_MAX + 49 - index)),
    );
    await page.click('#clear');
    assert.equal(await page.locator('#rows li').count(), 0);
    assert.deepEqual(watched.faults, []);
  });

  it('tells of a gap', async () => {
    await using watched = await open();
    const { page } = watched;
    await page.fill('#url', '/events?lastEventId=nonsense');
    await start(page, 600);
    const gap = 'asked for what follows nonsense; nothing is replayed';
    await page.locator('[data-kind=gap] .text', { hasText: gap }).waitFor();
    assert.deepEqual(watched.faults, []);
  });

  it('says why a stream or an event was refused', async () => {
    await using watched = await open();
    const { page } = watched;
    await page.fill('#url', '/events?topic=secrets');
    await page.click('#go');
    await page.locator('#state', { hasText: 'Ended: 403 topic_forbidden' }).waitFor();
    await page.fill('#event-type', 'end');
    await page.click('#send');
    await page.locator('#sent', { hasText: /^400 bad_event: / }).waitFor();
    assert.ok(
      watched.faults.every((fault) => /status of 40[03]/.test(fault)),
      watched.faults.join('\n'),
    );
  });

  it('asks no other host, not even when told to', async () => {
    await using watched = await open();
    const { page } = watched;
    await page.fill('#url', 'https://example.com/events');
    await page.click('#go');
    assert.equal(
      await page.evaluate("document.querySelector('#url').validationMessage"),
      `This page connects to ${dev.origin} only.`,
    );
    assert.deepEqual(foreign(watched), []);
    assert.deepEqual(watched.faults, []);
  });

  it('fits a phone', async () => {
    await using watched = await open({ viewport: { width: 360, height: 740 } });
    const { page } = watched;
    await start(page);
    for (const data of ['x'.repeat(2000), 'short']) {
      await page.fill('#event-data', data);
      await page.click('#send');
      await page.locator('[data-kind=event]', { hasText: data }).waitFor();
    }
    await page.locator('[data-kind=answer]').first().waitFor();
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    assert.ok(width <= 360, `it is ${width} px wide`);
    assert.deepEqual(await page.evaluate('inPage.cutOff()'), []);
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`is ${colorScheme} when that is wished for, and legible`, async () => {
      await using watched = await open({ colorScheme });
      const { page } = watched;
      await start(page);
      await page.click('#send');
      await page.locator('[data-kind=event]').waitFor();
      await page.locator('[data-kind=answer]').first().waitFor();
      const colours = await page.evaluate<Colours[]>('inPage.coloursOfText()');
      assert.ok(colours.length > 20);
      for (const { text, ink, ground } of colours) {
        const [light, dark] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
        assert.ok(light !== undefined && dark !== undefined);
        const contrast = (light + 0.05) / (dark + 0.05);
        // WCAG 2.2, 1.4.3.
        assert.ok(contrast >= 4.5, `"${text}" has a contrast of ${contrast.toFixed(2)}`);
      }
      const ground = luminance(await page.evaluate<string>("inPage.style('body', 'backgroundColor')"));
      assert.ok(colorScheme === 'dark' ? ground < 0.05 : ground > 0.8);
    });
  }

  it('keeps still for those who want that', async () => {
    for (const [reducedMotion, animation] of [
      ['reduce', 'none'],
      ['no-preference', 'arrive'],
    ] as const) {
      await using watched = await open({ reducedMotion });
      const { page } = watched;
      await start(page, 600);
      await page.click('#send');
      await page.locator('[data-kind=event]').waitFor();
      assert.equal(await page.evaluate("inPage.style('[data-kind=event]', 'animationName')"), animation);
    }
  });

  function foreign({ requested }: WatchedPage): readonly string[] {
    return requested.filter((url) => !url.startsWith(`${dev.origin}/`));
  }
});

async function start(page: Page, lifetimeSeconds = LIFETIME_S): Promise<void> {
  await page.fill('#lifetime', String(lifetimeSeconds));
  await page.click('#go');
  await page.locator('#state', { hasText: 'Open' }).waitFor();
}

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).first().textContent()) ?? '';
}

async function focused(page: Page): Promise<string> {
  return (await page.locator(':focus').getAttribute('id')) ?? '';
}

/** WCAG 2.2, relative luminance. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = Array.from(colour.matchAll(/[\d.]+/g), ([value]) => {
    const part = Number(value) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
