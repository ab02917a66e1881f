import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { launchChromium, noChromium, openPage, type WatchedPage } from '../support/chromium.ts';
import { ROOT } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { outputOf } from '../support/output-of.ts';
import { request } from '../support/request.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const EXAMPLE = join(ROOT, 'examples', 'oidc');
/** Short enough to wait for several; the lead time leaves a slow machine five seconds to answer. */
const TOKEN_S = 10;
const IMPATIENT = [
  ['refreshInterval: 5s', 'refreshInterval: 1s'],
  ['leadTime: 10s', 'leadTime: 5s'],
] as const;
const STOP_MS = 10_000;
/** From the change of a guard to the last stream that loses by it. */
const CUT_MS_MAX = 1_000;

interface Example {
  readonly page: string;
  readonly publish: string;
  readonly keys: string;
  /** What the gateway has logged so far. */
  log(): readonly Readonly<Record<string, unknown>>[];
}

describe('examples/oidc', { skip: noChromium, timeout: 300_000 }, () => {
  it('keeps a stream through short tokens and new keys, and resumes it by itself when the old key is gone', async (test) => {
    const example = await start(test);
    const browser = await launchChromium();
    test.after(() => browser.close());
    await using watched = await openPage(browser, `${example.page}/`);
    const { page } = watched;
    const streams = () => streamsOf(watched);
    await logIn(page);
    const firstExpiry = Date.now() + TOKEN_S * 1000;
    const [first = ''] = await keys(example, 'GET');
    await publish(example, 'hello');
    await page.locator('[data-kind=event]', { hasText: 'hello' }).waitFor();
    await eventually(() => assert.ok(Date.now() > firstExpiry));
    await answeredSince(page, firstExpiry);
    assert.equal(streams().length, 1, 'one stream beyond the first token');
    assert.ok((await texts(page, 'token')).every((text) => text.includes(first)));

    const [second = '', ...older] = await keys(example, 'PUT');
    assert.deepEqual(older, [first]);
    await page.locator('[data-kind=token]', { hasText: second }).first().waitFor();
    await answeredSince(page, Date.now());
    await publish(example, 'by another key');
    await page.locator('[data-kind=event]', { hasText: 'by another key' }).waitFor();
    assert.equal(streams().length, 1, 'one stream beyond the first key');
    assert.equal(await page.locator('[data-kind=end]').count(), 0);

    const [third = ''] = await keys(example, 'PUT');
    assert.deepEqual(await keys(example, 'DELETE'), [third]);
    await page.locator('[data-kind=end]', { hasText: 'guard_changed' }).waitFor();
    await publish(example, 'meanwhile');
    await page.locator('[data-kind=event]', { hasText: 'meanwhile' }).waitFor();
    await page.locator('#state', { hasText: 'Open' }).waitFor();
    assert.ok((await texts(page, 'token'))[0]?.includes(third));
    assert.deepEqual(await texts(page, 'event'), ['meanwhile', 'by another key', 'hello']);
    assert.equal(streams().length, 2);
    assert.equal(watched.requested.filter((url) => url.includes('/auth?')).length, 1, 'one login');

    const [ended] = example.log().filter(({ reason }) => reason === 'guard_changed');
    const refreshed = example
      .log()
      .findLast((line) => line['message'] === 'keys loaded' && at(line) <= at(ended));
    assert.ok(at(ended) - at(refreshed) <= CUT_MS_MAX, `${at(ended) - at(refreshed)} ms after the refresh`);
    assert.deepEqual(
      watched.faults.filter((fault) => fault.startsWith('policy')),
      [],
    );
  });

  it('ends the streams of a session when the provider says that it is over, and no others', async (test) => {
    const example = await start(test);
    const browser = await launchChromium();
    test.after(() => browser.close());
    // Two browsers of one user, each with a session of its own.
    await using here = await openPage(browser, `${example.page}/`);
    await using elsewhere = await openPage(browser, `${example.page}/`);
    for (const { page } of [here, elsewhere]) await logIn(page);

    const tab = here.page.waitForEvent('popup');
    await here.page.click('#logout');
    await (await tab).click('button');
    await here.page.locator('#state', { hasText: 'Ended: revoked' }).waitFor();
    await (await tab).locator('#state', { hasText: 'Logged out' }).waitFor();
    const answers = await elsewhere.page.locator('[data-kind=answer]').count();
    await elsewhere.page.locator('[data-kind=answer]', { hasText: 'accepted' }).nth(answers).waitFor();
    assert.equal(await elsewhere.page.locator('#state').textContent(), 'Open');
    assert.equal(await elsewhere.page.locator('[data-kind=end]').count(), 0);
    assert.equal(streamsOf(here).length, 1, 'and does not come back');

    const told = example.log().find(({ message }) => message === 'revoked');
    const ended = example.log().filter(({ reason }) => reason === 'revoked');
    assert.equal(ended.length, 1);
    assert.ok(at(ended[0]) - at(told) <= CUT_MS_MAX, `${at(ended[0]) - at(told)} ms after the logout`);
  });

  it('is run by the command that its README tells', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    assert.equal(scripts['example:oidc'], 'node examples/oidc/main.ts');
    assert.match(await readFile(join(EXAMPLE, 'README.md'), 'utf8'), /^npm run example:oidc$/m);
  });
});

async function start(test: TestContext): Promise<Example> {
  let yaml = await readFile(join(EXAMPLE, 'tidegate.yaml'), 'utf8');
  for (const [patient, impatient] of IMPATIENT) {
    assert.ok(yaml.includes(patient));
    yaml = yaml.replace(patient, impatient);
  }
  const config = join(await temporaryDirectory(test), 'tidegate.yaml');
  await writeFile(config, yaml);
  const args = ['--free-ports', '--config', config, '--token-ttl', String(TOKEN_S)];
  const child = spawn(process.execPath, [join(EXAMPLE, 'main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that its gateway goes with it.
    detached: true,
  });
  test.after(() => stop(child));
  const output = outputOf(child);
  const found = (pattern: RegExp): string =>
    pattern.exec(output.out)?.[1] ?? assert.fail(`${output.out}\n${output.err}`);
  await eventually(() => assert.match(output.out, /DELETE/, output.err));
  return {
    page: found(/^Open (\S+)\/ /m),
    publish: found(/(\S+\/publish)$/m),
    keys: found(/-X PUT (\S+)$/m),
    log: () =>
      output.err
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line)),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  if (child.exitCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(timer);
}

async function logIn(page: Page): Promise<void> {
  await page.click('#login');
  await page.fill('[name=login]', 'alice');
  await page.click('button');
  await page.locator('#state', { hasText: 'Open' }).waitFor();
}

function streamsOf({ fetched }: WatchedPage): readonly string[] {
  return fetched.filter((url) => url.endsWith('/events'));
}

/** The ids of the keys that are published then, newest first. */
async function keys({ keys: url }: Example, method: 'GET' | 'PUT' | 'DELETE'): Promise<readonly string[]> {
  const { status, body } = await request(url, { method });
  assert.equal(status, 200);
  return body.trim().split(' ');
}

async function publish({ publish: url }: Example, data: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status } = await request(url, { method: 'POST', headers, body: JSON.stringify({ data }) });
  assert.equal(status, 200);
}

async function answeredSince(page: Page, since: number): Promise<void> {
  await eventually(async () => {
    const row = page.locator('[data-kind=answer]', { hasText: 'accepted' }).first();
    assert.ok(Number(await row.getAttribute('data-at')) >= since);
  });
}

/** Newest first. */
function texts(page: Page, kind: string): Promise<string[]> {
  return page.locator(`[data-kind=${kind}] span:last-child`).allTextContents();
}

function at(line: Readonly<Record<string, unknown>> | undefined): number {
  return Date.parse(String(line?.['time']));
}
