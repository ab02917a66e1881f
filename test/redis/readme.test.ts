import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { openState } from '../../src/dev/state.ts';
import { without } from '../e2e/commands.ts';
import { type Shell, startShell } from '../e2e/shell.ts';
import { ROOT } from '../support/dev-process.ts';
import { line, parseReadme } from '../support/readme.ts';
import { noRedis, startRedis } from '../support/redis/redis-server.ts';

const IN_A_CHECKOUT = ['package.json', 'src', 'examples', 'node_modules'];
const SECTION = '## Several gateways\n';

/**
 * The section's own command lines, as they stand there, but for the ports, and for the server itself, which the rig starts
 * on a free one. They run in a directory that looks like a checkout in which `npm start` has been run once.
 */
describe('README.md, several gateways', { skip: noRedis || without('curl', 'nc') }, () => {
  it('do what it says', { timeout: 180_000 }, async (test) => {
    const text = await readFile(join(ROOT, 'README.md'), 'utf8');
    const readme = parseReadme(
      text.slice(text.indexOf(SECTION), text.indexOf('\n## ', text.indexOf(SECTION))),
    );
    const checkout = await mkdtemp(join(tmpdir(), 'tidegate-readme-'));
    test.after(() => rm(checkout, { recursive: true, force: true }));
    for (const name of IN_A_CHECKOUT) await symlink(join(ROOT, name), join(checkout, name));
    await openState(join(checkout, '.tidegate'), systemClock);
    const redis = await startRedis();
    test.after(() => redis[Symbol.asyncDispose]());
    assert.match(line(readme, 'redis-server'), /^redis-server --port 6379 /);

    const ports: Record<string, number> = {};
    const elsewhere = (command: string) =>
      command
        .replace('127.0.0.1:6379', `127.0.0.1:${redis.port}`)
        .replace('localhost 7001', `localhost ${ports['ingest']}`)
        .replace(/localhost:(7114|7115)/, (_all, port) => `localhost:${ports[port]}`);
    const start = (command: string): Shell => {
      const shell = startShell(elsewhere(command), checkout);
      test.after(() => shell[Symbol.asyncDispose]());
      return shell;
    };
    const outputOf = async (command: string): Promise<string> => {
      const shell = start(command);
      assert.equal(await shell.ended, 0, shell.err());
      return shell.out();
    };
    const serve = async (command: string, name: string): Promise<Shell> => {
      const shell = start(command);
      const listening = /"listener":"(?:ingest|http)","port":(\d+)/;
      await shell.until((_out, err) => listening.test(err), 60_000);
      ports[name] = Number(listening.exec(shell.err())?.[1]);
      return shell;
    };

    await outputOf(line(readme, 'mkdir -p'));
    const free = ' --listen-ingest 127.0.0.1:0 --listen-publish off';
    await serve(`${line(readme, '-- ingest')}${free}`, 'ingest');
    const first = await serve(line(readme, '--listen-http 7114').replace('7114', '127.0.0.1:0'), '7114');
    await serve(line(readme, '--listen-http 7115').replace('7115', '127.0.0.1:0'), '7115');

    const listening = start(line(readme, '7114/events'));
    await listening.until((out) => out.includes('id:'));
    const { id } = JSON.parse(await outputOf(line(readme, '| nc')));
    await listening.until((out) => out.includes(`id:${id}\ndata:shared\n\n`));
    await listening.until((out) => out.includes('event:challenge'), 40_000);
    assert.match(await outputOf(line(readme, 'curl -i')), /^HTTP\/1\.1 204 /);

    first.interrupt();
    await listening.until((out) => out.includes('{"reason":"draining","reconnect":true}'), 40_000);
    assert.equal(await listening.ended, 0);
    const resumed = start(line(readme, 'Last-Event-ID'));
    await resumed.until((out) => out.includes(`id:${id}\ndata:shared\n\n`));
  });
});
