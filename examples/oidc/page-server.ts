import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { type Listening, listen } from './listen.ts';

/** What the page is told of the world. */
export interface PageSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly resource: string;
  readonly scope: string;
  /** URL of the stream. */
  readonly events: string;
}

const PAGE = join(import.meta.dirname, 'page');
const CLIENT = join(import.meta.dirname, '..', '..', 'client');
/** By path: a request names one of these or nothing. */
const FILES: Readonly<Record<string, string>> = {
  '/': join(PAGE, 'index.html'),
  '/page.css': join(PAGE, 'page.css'),
  '/page.js': join(PAGE, 'page.js'),
  '/tokens.js': join(PAGE, 'tokens.js'),
  '/guarded-event-source.js': join(CLIENT, 'guarded-event-source.js'),
};
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** @param settings known once the gateway runs, which in turn must know where the page comes from */
export function servePage(port: number, settings: () => PageSettings): Promise<Listening> {
  return listen(port, async (request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const file = FILES[path];
    if (path === '/settings.json') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(settings()));
    } else if (file === undefined) {
      response.writeHead(404).end();
    } else {
      const { issuer, events } = settings();
      const policy = `default-src 'self'; img-src data:; connect-src 'self' ${issuer} ${new URL(events).origin}`;
      response
        .writeHead(200, { 'content-type': TYPES[extname(file)], 'content-security-policy': policy })
        .end(await readFile(file));
    }
  });
}
