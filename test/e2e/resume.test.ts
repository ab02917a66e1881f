import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { EventSource } from 'eventsource';
import { type DevProcess, startDev } from '../support/dev-process.ts';
import { until } from '../support/until.ts';
import { type Severable, severableWayTo } from './severable.ts';
import { configuration } from './yaml.ts';

const EVENTS_PER_PART = 200;
const CUTS = 4;

/** The npm package `eventsource`, which is what an application would take, left to itself. */
describe('an EventSource whose connection is cut', () => {
  let directory: string;
  let dev: DevProcess;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tidegate-resume-'));
    const file = join(directory, 'local.yaml');
    await writeFile(
      file,
      configuration({ gateway: 'retry: 100ms', guard: 'credentials: { query: access_token }' }),
    );
    dev = await startDev(file);
  });
  after(async () => {
    await dev?.[Symbol.asyncDispose]();
    await rm(directory, { recursive: true, force: true });
  });

  it('comes back by itself and gets every event exactly once, in order', async () => {
    const token = await dev.token('--ttl', '10m');
    await using way = await severableWayTo(dev.ports.clearText);
    const received: string[] = [];
    const gaps: string[] = [];
    const source = new EventSource(`http://127.0.0.1:${way.port}/events?access_token=${token}`);
    try {
      source.addEventListener('message', ({ data }) => received.push(data));
      source.addEventListener('gap', ({ data }) => gaps.push(data));
      await opened(source);
      const producer = connect(dev.ports.ingest, '127.0.0.1').resume();
      let sent = 0;
      for (let part = 0; part <= CUTS; part += 1) {
        for (let index = 0; index < EVENTS_PER_PART; index += 1) producer.write(`{"data":"${sent++}"}\n`);
        // In the middle of what was just sent: some of it is on its way and some is not.
        if (part < CUTS) {
          await until(() => received.length > sent - EVENTS_PER_PART, 'some have arrived');
          await cutOnce(way);
        }
      }
      producer.end();
      await once(producer, 'close');
      await until(() => received.length >= sent, 'all have arrived');
      assert.deepEqual(
        received,
        Array.from({ length: sent }, (_, index) => String(index)),
      );
      assert.deepEqual(gaps, []);
      assert.equal(way.count, CUTS + 1);
    } finally {
      source.close();
    }
  });

  it('misses nothing of what came before its first event either', async () => {
    const token = await dev.token('--ttl', '10m');
    await using way = await severableWayTo(dev.ports.clearText);
    const received: string[] = [];
    const source = new EventSource(`http://127.0.0.1:${way.port}/events?access_token=${token}`);
    try {
      source.addEventListener('message', ({ data }) => received.push(data));
      await until(() => /\nid:\d+-\d+\n\n/.test(way.carried()), 'the first block is on its way');
      way.close();
      const producer = connect(dev.ports.ingest, '127.0.0.1').resume();
      producer.end('{"data":"while it was away"}\n');
      await once(producer, 'close');
      await until(() => received.length > 0, 'it arrives');
      assert.deepEqual(received, ['while it was away']);
    } finally {
      source.close();
    }
  });
});

/** Cuts, and waits for the client to come back. */
async function cutOnce(way: Severable): Promise<void> {
  const { count } = way;
  way.cut();
  await until(() => way.count > count, 'the client comes back');
}

function opened(source: EventSource): Promise<void> {
  return new Promise((resolve, reject) => {
    source.addEventListener('open', () => resolve(), { once: true });
    source.addEventListener('error', ({ code }) => reject(new Error(`the stream was not opened: ${code}`)), {
      once: true,
    });
  });
}
