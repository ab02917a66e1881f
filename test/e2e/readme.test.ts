import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type DevPorts, portsOf, ROOT } from '../support/dev-process.ts';
import { constant, line, parseReadme, type Readme } from '../support/readme.ts';
import { without } from './commands.ts';
import { type Shell, startShell } from './shell.ts';

const FIRST_TOKEN_MS = 30_000;
/** The challenge comes ten seconds before the end. */
const CHALLENGE_MS = 40_000;
const SPARE_MS = 500;
const IN_A_CHECKOUT = ['package.json', 'src', 'client', 'examples', 'node_modules'];

/**
 * The README's own command lines, as they stand there. Only two things are changed: the ports, so that runs side by side
 * do not collide, and `npm ci`, which has been done. They run in a directory that looks like a checkout, so that
 * `.tidegate` is not the one of whoever runs the tests.
 */
describe('README.md', { skip: without('curl', 'nc') }, () => {
  let readme: Readme;
  let checkout: string;
  let dev: Shell;
  let ports: DevPorts;
  const elsewhere = (line: string): string =>
    line
      .replaceAll(':7143/', `:${ports.tls}/`)
      .replaceAll('localhost 7001', `localhost ${ports.ingest}`)
      .replaceAll(':7002/', `:${ports.publish}/`)
      .replaceAll(':7190/', `:${ports.admin}/`);
  const shell = (line: string): Shell => startShell(elsewhere(line), checkout);
  const outputOf = async (line: string): Promise<string> => {
    await using started = shell(line);
    assert.equal(await started.ended, 0, `${line}\n${started.err()}`);
    return started.out();
  };

  before(async () => {
    readme = parseReadme(await readFile(join(ROOT, 'README.md'), 'utf8'));
    checkout = await mkdtemp(join(tmpdir(), 'tidegate-readme-'));
    for (const name of IN_A_CHECKOUT) await symlink(join(ROOT, name), join(checkout, name));
    const free = ['tls', 'ingest', 'publish', 'admin'].map((name) => `--listen-${name} 127.0.0.1:0`);
    const start = line(readme, 'npm ci && npm start').replace('npm ci && ', '');
    dev = startShell(`${start} -- ${free.join(' ')}`, checkout);
    await dev.until((out) => out.includes('/metrics'), 60_000);
    ports = portsOf(dev.out());
  });
  after(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(checkout, { recursive: true, force: true });
  });

  it('has the commands that the program itself prints when it is up', () => {
    for (const part of ['curl -N', '| nc', 'curl -i', '/publish']) {
      const told = elsewhere(line(readme, part));
      assert.ok(dev.out().includes(`\n  ${told}\n`), `${told}\nis not in\n${dev.out()}`);
    }
  });

  it('shows what one sees on its first screen', { timeout: 180_000 }, async () => {
    const [reply, streamed, answered, ended] = readme.shown;
    await using listening = shell(line(readme, 'curl -N'));
    await listening.until((out) => out.includes('id:'));
    const openedAt = Date.now();
    const told = await outputOf(line(readme, '| nc'));
    await listening.until((out) => out.includes('event:challenge'), CHALLENGE_MS);
    await listening.until((out) => out.endsWith('\n\n'));
    assert.equal(constant(told + listening.out()), constant(`${reply}${streamed}`));

    const [status = ''] = (await outputOf(line(readme, 'curl -i'))).split('\r\n');
    assert.equal(`${status.trim()}\n…\n`, answered);
    await using unanswered = shell(line(readme, 'curl -N').replace('--ttl 30s', '--ttl 9s'));
    await unanswered.until((out) => out.includes('event:end'));
    assert.equal(await unanswered.ended, 0);
    assert.ok(unanswered.out().endsWith(ended ?? '?'), unanswered.out());
    await delay(openedAt + FIRST_TOKEN_MS + SPARE_MS - Date.now());
    const before = listening.out().length;
    const { id } = JSON.parse(await outputOf(line(readme, '| nc')));
    await listening.until((out) => out.includes(id) && out.endsWith('\n\n'));
    assert.equal(constant(listening.out().slice(before)), 'id:ID-0\ndata:hello\n\n');
  });

  it('listens in the terminal, takes events by HTTP and shows how it is doing', async () => {
    await using listening = shell(line(readme, 'listen --ca'));
    await listening.until((_out, err) => err.includes('connected to'));
    const [post = '', look = ''] = line(readme, '/publish', 2).split('\n');
    const { id } = JSON.parse(await outputOf(post));
    await listening.until((out) => out.includes(id));
    assert.equal(listening.out(), `${id}\tmessage\thello\n`);
    const shown = await outputOf(look);
    assert.match(shown, /"connections": \d/);
    assert.match(shown, /^tidegate_connections \d+$/m);
    listening.interrupt();
    await listening.ended;
  });

  it('tells of every command, and of none that is not there', async () => {
    const help = await outputOf('npm run -s tidegate -- --help');
    const commands = Array.from(help.matchAll(/^ {2}([a-z]+) +\S/gm), ([, name = '']) => name);
    assert.deepEqual(readme.table.toSorted(), commands.toSorted());
  });

  it('names no file that is not there', async () => {
    for (const file of readme.links) await readFile(join(ROOT, file)).catch(unlessDirectory);
  });
});

function unlessDirectory(error: Error & { code?: string }): void {
  if (error.code !== 'EISDIR') throw error;
}
