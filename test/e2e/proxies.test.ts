import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readPage } from '../docs/markdown.ts';
import { makeCertificates } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { type RunningGateway, startGateway } from '../support/gateway.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { kill, run, without } from './commands.ts';
import { type CurlStream, openCurl } from './curl.ts';

/** A proxy of Debian's, and how it is started with what docs/operations.md shows for it. */
interface Proxy {
  readonly name: 'nginx' | 'haproxy';
  readonly program: string;
  /** The page's own text, changed in names, ports and time-outs only. */
  readonly configure: (text: string, place: Place) => string;
  readonly args: (file: string, directory: string) => readonly string[];
  /** Whether the text is well-formed, by the proxy's own judgement. */
  readonly check: (file: string, directory: string) => readonly string[];
}

interface Place {
  readonly directory: string;
  readonly socket: string;
  readonly gatewayPort: number;
  readonly timeoutSeconds: number;
}

const PROXIES: readonly Proxy[] = [
  {
    name: 'nginx',
    program: '/usr/sbin/nginx',
    configure: (text, { directory, socket, gatewayPort, timeoutSeconds }) => `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr;
events {}
http {
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  ${replaced(text, {
    '127.0.0.1:7114': `127.0.0.1:${gatewayPort}`,
    'listen 443 ': `listen unix:${socket} `,
    '/etc/nginx/events.crt': `${directory}/server.crt`,
    '/etc/nginx/events.key': `${directory}/server.key`,
    '/var/log/nginx/events.log': `${directory}/events.log`,
    'proxy_read_timeout 60s': `proxy_read_timeout ${timeoutSeconds}s`,
  })}
}`,
    args: (file, directory) => ['-c', file, '-p', directory, '-e', 'stderr'],
    check: (file, directory) => ['-t', '-q', '-c', file, '-p', directory, '-e', 'stderr'],
  },
  {
    name: 'haproxy',
    program: '/usr/sbin/haproxy',
    configure: (text, { directory, socket, gatewayPort, timeoutSeconds }) =>
      replaced(text, {
        '127.0.0.1:7114': `127.0.0.1:${gatewayPort}`,
        'bind :443 ': `bind ${socket} `,
        '/etc/haproxy/events.pem': `${directory}/both.pem`,
        'timeout client 60s': `timeout client ${timeoutSeconds}s`,
        'timeout server 60s': `timeout server ${timeoutSeconds}s`,
      }),
    args: (file) => ['-db', '-f', file],
    check: (file) => ['-c', '-q', '-f', file],
  },
];

/** Short enough that a test sees several; the proxy's patience is longer by what a busy machine may take. */
const HEARTBEAT = 'heartbeat: 1s';
const PATIENCE_S = 4;

describe('proxies, as docs/operations.md sets them up', { skip: without('curl') }, () => {
  for (const proxy of PROXIES) {
    describe(proxy.name, { skip: missing(proxy) }, () => {
      for (const version of ['--http2', '--http1.1']) {
        it(`pass events, challenges and answers at once (${version})`, async (test) => {
          await using server = await serve('Subject');
          const through = await start(test, proxy, server, PATIENCE_S);
          await using stream = await through.open(version, server.token({}, 30));
          assert.match(stream.statusLine, version === '--http2' ? /^HTTP\/2 200/ : /^HTTP\/1\.1 200/);
          assert.equal(stream.headers.get('content-type'), 'text/event-stream');
          await stream.next('challenge');
          const fresh = server.token({}, 300);
          assert.equal(await through.answer(version, fresh), '204');
          await server.publish('as it comes');
          assert.equal((await stream.next('message')).data, 'as it comes');
          // A stream that heartbeats kept outlives the proxy's patience.
          const beats = () => stream.body().match(/^:$/gm)?.length ?? 0;
          await eventually(() => assert.ok(beats() > PATIENCE_S));
          await server.publish('after silence');
          await eventually(() => assert.equal(stream.messages.at(-1)?.data, 'after silence'));
          await server.gateway.stop(1_000);
          assert.equal((await stream.ended).status, 0);
          assert.match(stream.body(), /event:end\ndata:\{"reason":"draining","reconnect":true\}\n\n$/);
        });
      }

      it('carry the header that a client resumes by, and refusals as they are', async (test) => {
        await using server = await serve('Stream');
        const through = await start(test, proxy, server, PATIENCE_S);
        const id = await server.publish('one');
        await server.publish('two');
        await using stream = await through.open(
          '--http2',
          server.token({}, 300),
          '-H',
          `Last-Event-ID: ${id}`,
        );
        assert.equal((await stream.next('message')).data, 'two');
        await using refused = await through.open('--http2', server.token({ aud: 'other' }));
        await refused.ended;
        assert.equal(refused.headers.get('content-type'), 'application/problem+json');
        assert.match(refused.body(), /"code":"wrong_audience"/);
      });

      it('end a stream that is silent for longer than they wait', async (test) => {
        await using server = await startGateway();
        const through = await start(test, proxy, server, 2);
        await using stream = await through.open('--http1.1', server.token({}, 300));
        const { status } = await stream.ended;
        assert.notEqual(status, 0, 'a stream that was cut is no proper end');
        assert.ok(!stream.body().includes('event:end'));
      });
    });
  }
});

/** The gateway that they stand before; the lead time is longer than the token, so it asks at once. */
function serve(answer: 'Stream' | 'Subject'): Promise<RunningGateway> {
  const streams = 'streams: [{ path: /events, guardRefs: [{ name: main }], scopes: ["events:read"] }]';
  return startGateway({
    guard: `challenge: { leadTime: 60s, answer: ${answer} }`,
    gateway: `${streams}, ${HEARTBEAT}`,
  });
}

interface Through {
  open(version: string, token: string, ...args: readonly string[]): Promise<CurlStream>;
  /** @returns the status of the answer */
  answer(version: string, token: string): Promise<string>;
}

async function start(
  test: TestContext,
  proxy: Proxy,
  server: RunningGateway,
  timeoutSeconds: number,
): Promise<Through> {
  const directory = await temporaryDirectory(test);
  const { server: pair } = await makeCertificates(directory);
  await writeFile(join(directory, 'both.pem'), `${pair.cert}\n${pair.key}`, { mode: 0o600 });
  const socket = join(directory, 'proxy.sock');
  const place = { directory, socket, gatewayPort: server.port, timeoutSeconds };
  const file = join(directory, 'proxy.conf');
  await writeFile(file, proxy.configure(textFor(proxy), place));
  const checked = spawnSync(proxy.program, proxy.check(file, directory), { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr);
  const child: ChildProcess = spawn(proxy.program, proxy.args(file, directory), {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  test.after(() => kill(child));
  let told = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  await eventually(() => assert.ok(existsSync(socket), told));
  const url = 'https://localhost/events';
  const common = ['--unix-socket', socket, '--cacert', join(directory, 'ca.crt')];
  return {
    open: (version, token, ...args) =>
      openCurl(...common, version, '-H', `Authorization: Bearer ${token}`, ...args, url),
    async answer(version, token) {
      const headers = [
        '-H',
        'Content-Type: application/x-challenge-response',
        '-H',
        `Authorization: Bearer ${token}`,
      ];
      const args = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '-X', 'POST'];
      return (await run('curl', [...args, ...common, version, ...headers, url])).out;
    },
  };
}

/** The one block that the page has for it. */
function textFor({ name }: Proxy): string {
  const blocks = readPage('docs/operations.md').blocks.filter(({ language }) => language === name);
  assert.equal(blocks.length, 1);
  return blocks[0]?.text ?? '';
}

/** Each must be there: a text that the page no longer has would leave the test with something else. */
function replaced(text: string, parts: Readonly<Record<string, string>>): string {
  return Object.entries(parts).reduce((so, [from, to]) => {
    assert.ok(so.includes(from), `the page's text has no "${from}"`);
    return so.replaceAll(from, to);
  }, text);
}

function missing({ name, program }: Proxy): string | false {
  return existsSync(program) ? false : `${program} is missing: install the Debian package ${name}`;
}
