import assert from 'node:assert/strict';
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { epochMs, subject } from '../../src/core/brand.ts';
import type { LogFields } from '../../src/core/log.ts';
import { AccessLog } from '../../src/stream/access-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { expiring, HubRig } from '../support/hub-rig.ts';

type Line = readonly [message: string, fields: LogFields];

function accessLog({ subjectKey, ...parts }: { subjectKey?: KeyObject; waitingMax?: number } = {}) {
  const lines: Line[] = [];
  const take = (message: string, fields: LogFields = {}) => void lines.push([message, fields]);
  const log = { debug: take, info: take, warn: take, error: take };
  const clock = new FakeClock();
  return {
    lines,
    clock,
    access: new AccessLog({ log, clock, settings: () => ({ enabled: true, subjectKey }), ...parts }),
  };
}

const STREAM = {
  path: '/events',
  authorisation: { guard: 'main', subject: subject('alice') },
  transport: { protocol: 'HTTP/2' },
  events: 3,
  bytes: 120,
  challenges: 1,
} as const;

describe('a line for each stream that has ended', () => {
  it('says what it carried, how old it was and why it ended, and nothing of its subject', () => {
    const { access, clock, lines } = accessLog();
    access.ended('token_expired', { ...STREAM, openedAt: epochMs(clock.now() - 61_500) });
    access.flush();
    assert.deepEqual(lines, [
      [
        'stream ended',
        {
          guard: 'main',
          path: '/events',
          reason: 'token_expired',
          ageSeconds: 61.5,
          events: 3,
          bytes: 120,
          challenges: 1,
          protocol: 'HTTP/2',
        },
      ],
    ]);
  });

  it('has a keyed hash of the subject where there is a key, the same for every stream', () => {
    const key = 'a key of sixteen bytes or more';
    const { access, clock, lines } = accessLog({ subjectKey: createSecretKey(Buffer.from(key)) });
    const openedAt = clock.now();
    access.ended('draining', { ...STREAM, openedAt });
    access.ended('draining', { ...STREAM, openedAt, path: '/other' });
    access.ended('draining', {
      ...STREAM,
      openedAt,
      authorisation: { guard: undefined, subject: undefined },
    });
    access.flush();
    const hash = createHmac('sha256', key).update('alice').digest('hex').slice(0, 32);
    assert.deepEqual(
      lines.map(([, fields]) => fields['subjectHash']),
      [hash, hash, undefined],
    );
  });

  it('never has a negative age, whatever the clock does', () => {
    const { access, clock, lines } = accessLog();
    access.ended('client_gone', { ...STREAM, openedAt: epochMs(clock.now() + 5_000) });
    access.flush();
    assert.equal(lines[0]?.[1]['ageSeconds'], 0);
  });

  it('waits for later turns when ten thousand end at once, and none is left out', async () => {
    const { access, clock, lines } = accessLog();
    for (let i = 0; i < 10_000; i++)
      access.ended('draining', { ...STREAM, openedAt: clock.now(), events: i });
    assert.equal(lines.length, 0);
    let turns = 0;
    for (let before = 0; lines.length < 10_000; before = lines.length, turns++) {
      assert.ok(lines.length - before <= 64, 'a turn writes few');
      await setImmediate();
      assert.ok(turns < 1_000, `${lines.length} lines after ${turns} turns`);
    }
    assert.deepEqual(
      lines.map(([, { events }]) => events),
      Array.from({ length: 10_000 }, (_, i) => i),
    );
  });

  it('is left out beyond a bound, and it is told how often', async () => {
    const { access, clock, lines } = accessLog({ waitingMax: 5 });
    for (let i = 0; i < 8; i++) access.ended('draining', { ...STREAM, openedAt: clock.now() });
    await setImmediate();
    assert.deepEqual(
      lines.map(([message]) => message),
      [...new Array(5).fill('stream ended'), 'streams ended without a line'],
    );
    assert.deepEqual(lines.at(-1)?.[1], { count: 3 });
    access.ended('draining', { ...STREAM, openedAt: clock.now() });
    await setImmediate();
    assert.equal(lines.length, 7);
  });
});

describe('what a stream carried', () => {
  it('is every event and byte that it was handed since its headers, and every challenge', async () => {
    const rig = new HubRig();
    const { transport } = rig.open({ authorisation: expiring(rig.clock, 10_000, 4_000) });
    await rig.turn();
    rig.publish('events', 'one');
    rig.publish('events', 'for another', { to: ['bob'] });
    rig.publish('events', 'for alice', { to: ['alice'] });
    await rig.turn();
    await rig.pass(6_500);
    await rig.pass(4_000);
    assert.equal(transport.endReason, 'token_expired');
    const bytes = transport.writes.reduce((sum, write) => sum + write.bytes.length, 0);
    const [ended, more] = rig.ended;
    assert.equal(more, undefined);
    const { reason, ...carried } = ended ?? assert.fail('it has not ended');
    assert.deepEqual(
      { reason, ...carried },
      { reason: 'token_expired', path: '/events', events: 2, bytes, challenges: 1 },
    );
  });

  it('is counted over a resume from the log and from the ring', async () => {
    const rig = new HubRig();
    rig.log('events', 'of the log');
    rig.hub.begin(rig.id(1));
    rig.publish('events', 'of the ring');
    const { connection } = rig.open({ resume: '1-0' });
    await rig.turn(40);
    rig.publish('events', 'live');
    await rig.turn();
    rig.hub.gone(connection);
    rig.hub.gone(connection);
    assert.deepEqual(
      rig.ended.map(({ reason, events }) => [reason, events]),
      [['client_gone', 3]],
    );
  });
});
