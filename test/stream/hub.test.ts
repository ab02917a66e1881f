import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ORIGIN } from '../../src/core/event-id.ts';
import { ALICE, HubRig } from '../support/hub-rig.ts';
import { seededRandom } from '../support/seeded-random.ts';

describe('Hub, opening', () => {
  it('tells a fresh stream when to retry and where the log is', () => {
    const rig = new HubRig();
    rig.hub.begin(rig.id(7));
    assert.equal(rig.open().transport.text, `retry:2000\nid:${rig.id(7)}\n\n`);
    assert.deepEqual(rig.observed.openedPaths, ['/events']);
    assert.equal(rig.hub.status().connections, 1);
  });

  it('tells a resuming stream no position: it has one', async () => {
    const rig = new HubRig();
    rig.hub.begin(rig.id(7));
    const { transport } = rig.open({ resume: rig.id(7) });
    await rig.turn();
    assert.equal(transport.text, 'retry:2000\n\n');
  });

  it('spreads retry over ± 25 %, in whole milliseconds', () => {
    const rig = new HubRig({}, seededRandom(1));
    const told = Array.from({ length: 200 }, () =>
      Number(/retry:(\d+)\n/.exec(rig.open().transport.text)?.[1]),
    );
    assert.ok(Math.min(...told) >= 1500 && Math.min(...told) < 1550);
    assert.ok(Math.max(...told) <= 2500 && Math.max(...told) > 2450);
  });

  it('sends what comes, in both formats', async () => {
    const rig = new HubRig();
    const chunked = rig.open({ format: 'chunked' }).transport;
    const raw = rig.open({ format: 'raw' }).transport;
    chunked.next();
    raw.next();
    rig.publish('events', 'a', { type: 'price' });
    await rig.turn();
    for (const transport of [chunked, raw]) {
      assert.equal(transport.next(), `id:${rig.id(1)}\nevent:price\ndata:a\n\n`);
    }
  });

  it('sends what is for a subject to that subject of that guard on that topic alone', async () => {
    const rig = new HubRig();
    const streams = {
      alice: rig.open({ subject: 'alice' }),
      bob: rig.open({ subject: 'bob' }),
      elsewhere: rig.open({ subject: 'alice', authorisation: { guard: 'other' } }),
      offTopic: rig.open({ subject: 'alice', topics: ['else'] }),
      nobody: rig.open({ authorisation: { guard: undefined, subject: undefined } }),
    };
    await rig.turn();
    rig.publish('events', 'for alice', { to: ['alice', 'alice'] });
    rig.publish('events', 'for all');
    rig.publish('events', 'for both', { to: ['bob', 'alice'] });
    await rig.turn();
    assert.deepEqual(streams.alice.transport.published, ['for alice', 'for all', 'for both']);
    assert.deepEqual(streams.bob.transport.published, ['for all', 'for both']);
    assert.deepEqual(streams.elsewhere.transport.published, ['for all']);
    assert.deepEqual(streams.offTopic.transport.published, []);
    assert.deepEqual(streams.nobody.transport.published, ['for all']);
  });

  it('reports what it delivers and receives, a resume’s share even when nothing else happens', async () => {
    const rig = new HubRig();
    rig.publish('events', 'a');
    rig.publish('events', 'b');
    rig.open({ resume: '0-0' });
    await rig.turn();
    const { deliveredCount, receivedCount, replayedCount } = rig.observed;
    assert.deepEqual([receivedCount, deliveredCount, replayedCount], [2, 2, 2]);
  });
});

describe('Hub, limits', () => {
  it('is full at so many streams, and no longer when one has gone', () => {
    const rig = new HubRig({ connectionsMax: 2 });
    const { connection } = rig.open();
    assert.equal(rig.hub.refusal(undefined, false), undefined);
    rig.open();
    assert.equal(rig.hub.refusal(undefined, false), 'full');
    assert.equal(rig.hub.refusal(undefined, true), 'full');
    rig.hub.gone(connection);
    assert.equal(rig.hub.refusal(undefined, false), undefined);
  });

  it('lets each holder have so many, and a resume twice that', () => {
    const rig = new HubRig({ perHolderMax: 2 });
    const open = () => rig.open({ authorisation: { holder: 'main alice' } });
    const first = open();
    open();
    assert.equal(rig.hub.refusal('main alice', false), 'per_subject');
    assert.equal(rig.hub.refusal('main alice', true), undefined);
    assert.equal(rig.hub.refusal('main bob', false), undefined);
    open();
    open();
    assert.equal(rig.hub.refusal('main alice', true), 'per_subject');
    rig.hub.end(first.connection, 'revoked');
    assert.equal(rig.hub.refusal('main alice', true), undefined, 'a stream that ends counts no longer');
  });

  it('counts nobody’s streams against nobody', () => {
    const rig = new HubRig({ perHolderMax: 1 });
    for (let i = 0; i < 3; i++) rig.open({ authorisation: { holder: undefined } });
    assert.equal(rig.hub.refusal(undefined, false), undefined);
  });
});

describe('Hub, the peer’s leaving', () => {
  it('is counted once, frees everything and is written to no more', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open();
    rig.hub.gone(connection);
    rig.hub.gone(connection);
    rig.publish('events', 'a');
    await rig.pass(60_000);
    assert.deepEqual(rig.observed.closedReasons, ['client_gone']);
    assert.deepEqual(transport.published, []);
    assert.equal(rig.hub.status().connections, 0);
    assert.deepEqual(rig.hub.streamsOf('main', ALICE), []);
  });

  it('in the middle of a batch costs the others nothing', async () => {
    const rig = new HubRig();
    const streams = Array.from({ length: 600 }, () => rig.open({ authorisation: { holder: undefined } }));
    await rig.turn();
    rig.publish('events', 'a');
    await rig.turn(1);
    const leaving = streams.filter((_, i) => i % 3 === 0);
    for (const { connection } of leaving) rig.hub.gone(connection);
    await rig.turn();
    for (const stream of streams) {
      if (!leaving.includes(stream)) assert.deepEqual(stream.transport.published, ['a']);
    }
  });
});

describe('Hub, draining', () => {
  it('lets nobody in and ends everybody at random within the window', async () => {
    const rig = new HubRig({}, seededRandom(3));
    const streams = Array.from({ length: 100 }, () => rig.open({ authorisation: { holder: undefined } }));
    rig.hub.drain(60_000);
    assert.equal(rig.hub.refusal(undefined, true), 'draining');
    assert.ok(rig.hub.status().draining);
    const open = () => streams.filter(({ connection }) => connection.open).length;
    assert.equal(open(), 100);
    await rig.pass(30_000);
    assert.ok(open() > 25 && open() < 75, `${open()} of 100 are left at half time`);
    await rig.pass(30_010);
    assert.equal(open(), 0);
    for (const { transport } of streams) assert.equal(transport.endReason, 'draining');
  });

  it('stops at once when asked to, and resets peers that do not take their end', async () => {
    const rig = new HubRig();
    const [taking, not] = [rig.open(), rig.open()];
    const stopped = rig.hub.stop(1000);
    assert.deepEqual([taking.transport.state, not.transport.state], ['ended', 'ended']);
    rig.hub.gone(taking.connection);
    await rig.clock.advanceAsync(1100);
    await stopped;
    assert.deepEqual([taking.transport.state, not.transport.state], ['ended', 'aborted']);
    assert.equal(rig.observed.abortedCount, 1);
    assert.equal(rig.clock.timers, 0, 'nothing is left that would run');
  });

  it('does not wait longer than the peers do', async () => {
    const rig = new HubRig();
    const { connection } = rig.open();
    const stopped = rig.hub.stop(60_000);
    rig.hub.gone(connection);
    await rig.clock.advanceAsync(100);
    await stopped;
    assert.equal(rig.observed.abortedCount, 0);
  });
});

describe('Hub, loss', () => {
  it('is told to every open stream, whatever it is doing, and to none that has ended', async () => {
    const rig = new HubRig();
    rig.publish('events', 'a');
    const [live, blocked, ended] = [rig.open(), rig.open(), rig.open()];
    await rig.turn();
    blocked.transport.stall();
    rig.publish('events', 'b');
    rig.hub.end(ended.connection, 'revoked');
    await rig.turn();
    assert.equal(blocked.connection.state, 'blocked');
    rig.hub.lost(rig.id(2));
    await rig.turn();
    assert.equal(blocked.transport.writesWhileStalled, 0);
    blocked.transport.release();
    await rig.pass(20);
    const gap = `event:gap\ndata:{"requested":"${rig.id(2)}","oldest":null}\n\n`;
    assert.ok(live.transport.text.endsWith(gap));
    assert.ok(blocked.transport.text.endsWith(gap));
    assert.ok(!ended.transport.text.includes('event:gap'));
    assert.deepEqual(rig.observed.gaps, ['lost', 'lost']);
  });

  it('goes on afterwards', async () => {
    const rig = new HubRig();
    const { transport } = rig.open();
    rig.hub.lost(ORIGIN);
    rig.publish('events', 'a');
    await rig.turn();
    assert.deepEqual(transport.published, ['a']);
  });

  it('is not told once the token has expired', async () => {
    const rig = new HubRig();
    const { transport } = rig.open({ authorisation: { closeAt: rig.clock.now() } });
    rig.hub.lost(ORIGIN);
    await rig.turn();
    assert.equal(transport.endReason, 'token_expired');
    assert.ok(!transport.text.includes('event:gap'));
  });

  it('is told between what came before and after, where an event does not follow the last one', async () => {
    const rig = new HubRig();
    const { transport } = rig.open();
    rig.publish('events', 'a');
    rig.log('events', 'never came');
    rig.publish('events', 'c');
    await rig.turn();
    const told = transport.heard.flatMap((heard) => (heard.kind === 'event' ? [heard.data] : []));
    assert.deepEqual(told, ['a', `{"requested":"${rig.id(1)}","oldest":null}`, 'c']);
  });

  for (const [resume, gap] of [
    [1, { requested: 1, oldest: null }],
    [2, { requested: 2, oldest: 4 }],
    [3, undefined],
  ] as const) {
    it(`is told to who resumes by ${resume === 3 ? 'none of what is gone' : `event ${resume}`}`, async () => {
      const rig = new HubRig();
      rig.publish('events', '1');
      rig.log('events', '2, which never came');
      rig.log('events', '3, which never came');
      rig.publish('events', '4');
      const { transport } = rig.open({ resume: rig.id(resume) });
      await rig.turn();
      const gaps = transport.events.filter(({ type }) => type === 'gap').map(({ data }) => JSON.parse(data));
      const oldest = gap?.oldest == null ? null : rig.id(gap.oldest);
      assert.deepEqual(gaps, gap === undefined ? [] : [{ requested: rig.id(gap.requested), oldest }]);
      assert.deepEqual(transport.published, ['4']);
    });
  }
});
