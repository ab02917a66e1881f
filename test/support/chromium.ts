import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';
const LAUNCH_MS = 90_000;

/** Why there is no browser to test with, or `false`: to be given to `skip`, so that it is told and counted. */
export const noChromium = existsSync(EXECUTABLE)
  ? false
  : `${EXECUTABLE} is missing: install the Debian package chromium`;

/** Debian's Chromium, on a profile of its own, that calls nobody by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: EXECUTABLE,
    timeout: LAUNCH_MS,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface WatchedPage extends AsyncDisposable {
  readonly page: Page;
  /** Addresses that it asked for, in order. */
  readonly requested: readonly string[];
  /** Those that scripts asked for by GET: streams, most of the time. */
  readonly fetched: readonly string[];
  /** Errors on its console, uncaught ones, and breaches of its policy. */
  readonly faults: readonly string[];
}

/** A page in a context of its own, certificate faults ignored, with an account of what went wrong on it. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
  const page = await context.newPage();
  const requested: string[] = [];
  const fetched: string[] = [];
  const faults: string[] = [];
  page.on('request', (request) => {
    requested.push(request.url());
    const scripted = ['fetch', 'eventsource'].includes(request.resourceType());
    if (scripted && request.method() === 'GET') fetched.push(request.url());
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  await page.exposeFunction('breach', (text: string) => faults.push(`policy: ${text}`));
  await page.addInitScript(
    "addEventListener('securitypolicyviolation', (event) => breach(event.violatedDirective + ' ' + event.blockedURI))",
  );
  await page.addInitScript({ path: join(import.meta.dirname, 'in-page.js') });
  await page.goto(url);
  return { page, requested, fetched, faults, [Symbol.asyncDispose]: () => context.close() };
}
