/**
 * `npm run example:oidc`: an identity provider, a gateway that trusts it, and a page that logs in and listens; all on
 * loopback, until Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { AUDIENCE, CLIENT_ID, type Issuer, SCOPE, startIssuer } from './issuer.ts';
import type { Listening } from './listen.ts';
import { servePage } from './page-server.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** As `tidegate.yaml` has them. */
const ISSUER_PORT = 7181;
const PAGE_PORT = 7180;
const STREAM_PORT = 7114;

const { values } = parseArgs({
  options: {
    config: { type: 'string', default: join(import.meta.dirname, 'tidegate.yaml') },
    'token-ttl': { type: 'string', default: '30' },
    /** Several of these side by side, as tests run them. */
    'free-ports': { type: 'boolean', default: false },
  },
});
const port = (number: number): number => (values['free-ports'] ? 0 : number);

const directory = await mkdtemp(join(tmpdir(), 'tidegate-oidc-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
let events = '';
await using page: Listening = await servePage(port(PAGE_PORT), () => ({
  issuer: issuer.origin,
  clientId: CLIENT_ID,
  resource: AUDIENCE,
  scope: SCOPE,
  events,
})).catch(unavailable);
await using issuer: Issuer = await startIssuer({
  port: port(ISSUER_PORT),
  accessTokenSeconds: Number(values['token-ttl']),
  pageOrigin: page.origin,
}).catch(unavailable);
const gateway = startGateway(await configuration());
const ended = once(gateway, 'exit');
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => gateway.kill('SIGTERM'));
const { publish, revocations } = await addresses().catch(unavailable);
issuer.tellLogouts(`${revocations}/backchannel-logout/oidc`);
console.log(`Open ${page.origin}/ and log in under any name. Ctrl-C ends all of it.

Send an event:
  curl -H 'Content-Type: application/json' -d '{"data":"hello"}' ${publish}

Sign with another key, then remove the old one:
  curl -X PUT ${issuer.origin}/keys
  curl -X DELETE ${issuer.origin}/keys
`);
const [code] = await ended;
process.exitCode = code ?? 0;

/** A port that is taken, most of the time. */
function unavailable(error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  process.exit(3);
}

/** The file itself, which may be edited while this runs; or a copy that names the ports that were free. */
async function configuration(): Promise<string> {
  if (!values['free-ports']) return values.config;
  const yaml = await readFile(values.config, 'utf8');
  const copy = join(directory, 'tidegate.yaml');
  await writeFile(
    copy,
    yaml
      .replaceAll(`http://127.0.0.1:${ISSUER_PORT}`, issuer.origin)
      .replaceAll(`http://127.0.0.1:${PAGE_PORT}`, page.origin),
  );
  return copy;
}

function startGateway(file: string) {
  const free = ['ingest', 'publish', 'admin', 'revocations'].flatMap((name) => [
    `--listen-${name}`,
    '127.0.0.1:0',
  ]);
  const listeners = ['--listen-tls', 'off', '--listen-http', `127.0.0.1:${port(STREAM_PORT)}`];
  return spawn(
    process.execPath,
    [
      join(ROOT, 'src', 'cli.ts'),
      'dev',
      file,
      '--state-dir',
      directory,
      ...listeners,
      ...(values['free-ports'] ? free : []),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
}

/** Read off what `dev` says when it is up. */
async function addresses(): Promise<{ readonly publish: string; readonly revocations: string }> {
  let banner = '';
  for await (const line of createInterface({ input: gateway.stdout })) {
    banner += `${line}\n`;
    // The last one.
    if (line.endsWith('/metrics')) break;
  }
  gateway.stdout.resume();
  const found = (pattern: RegExp): string => {
    const address = pattern.exec(banner)?.[1];
    // It has said why.
    if (address === undefined) throw new Error('The gateway did not start.');
    return address;
  };
  events = found(/^ {2}(http:\/\/localhost:\d+\/events)$/m);
  return {
    publish: found(/(http:\/\/localhost:\d+\/publish)$/m),
    revocations: found(/--url (http:\/\/localhost:\d+) /),
  };
}
