import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { written } from '../support/hub-rig.ts';
import { gaps, numbers, rigWith } from '../support/replay-rig.ts';

describe('replay from the ring', () => {
  for (const from of [10, 11, 15, 19, 20]) {
    it(`gives what follows event ${from} of 20, then what comes`, async () => {
      const rig = rigWith(10, 20);
      const stream = rig.open({ resume: rig.id(from) });
      rig.publish('events', '21');
      await rig.turn();
      assert.deepEqual(stream.transport.published, numbers(from + 1, 21));
      assert.deepEqual(gaps(stream), []);
      assert.equal(rig.history.reads, 0);
      assert.equal(rig.observed.replayedCount, 20 - from);
    });
  }

  it('tells of a loss where the id lies between two events: this log never had it', async () => {
    const rig = rigWith(10, 20);
    const id = rig.id(15).replace('-0', '-9');
    const stream = rig.open({ resume: id });
    await rig.turn();
    assert.deepEqual(gaps(stream), [{ requested: id, oldest: rig.id(16) }]);
    assert.deepEqual(stream.transport.published, numbers(16, 20));
    assert.deepEqual(rig.observed.gaps, ['lost']);
  });

  it('leaves out what the stream may not see', async () => {
    const rig = rigWith(0, 3);
    rig.publish('other', 'of another topic');
    rig.publish('events', 'for bob', { to: ['bob'] });
    rig.publish('events', 'for alice', { to: ['alice'] });
    const stream = rig.open({ resume: '0-0', subject: 'alice' });
    await rig.turn();
    assert.deepEqual(stream.transport.published, ['1', '2', '3', 'for alice']);
  });

  it('joins what a crowd has missed once, and anew when more has come', async () => {
    const rig = rigWith(0, 5);
    const authorisation = { holder: undefined };
    const crowd = [1, 2].map(() => rig.open({ resume: rig.id(2), authorisation }));
    await rig.turn();
    const [bytes, same] = crowd.flatMap(written);
    assert.equal(bytes, same);
    const elsewhere = [
      rig.open({ resume: rig.id(3), authorisation }),
      rig.open({ resume: rig.id(2), topics: ['other'], authorisation }),
      rig.open({ resume: rig.id(2), format: 'raw', authorisation }),
    ];
    await rig.turn();
    rig.publish('events', '6');
    const later = rig.open({ resume: rig.id(2), authorisation });
    await rig.turn();
    assert.deepEqual(
      [...crowd, ...elsewhere, later].map(({ transport }) => transport.published),
      [numbers(3, 6), numbers(3, 6), numbers(4, 6), [], numbers(3, 6), numbers(3, 6)],
    );
    assert.equal(rig.observed.replayedCount, 3 + 3 + 2 + 3 + 4);
  });

  it('gives nobody of a crowd what is for another subject', async () => {
    const rig = rigWith(0, 1);
    for (const name of ['alice', 'bob']) rig.publish('events', `for ${name}`, { to: [name] });
    const open = (name: string) =>
      rig.open({ resume: '0-0', subject: name, authorisation: { holder: undefined } });
    const streams = ['alice', 'bob', 'carol', 'alice'].map(open);
    await rig.turn();
    assert.deepEqual(
      streams.map(({ transport }) => transport.published),
      [['1', 'for alice'], ['1', 'for bob'], ['1'], ['1', 'for alice']],
    );
  });

  it('gives the latest of too many, and says so first', async () => {
    const rig = rigWith(10, 20, { replayPerStreamMax: 4 });
    const stream = rig.open({ resume: rig.id(12) });
    await rig.turn();
    assert.equal(stream.transport.heard[1]?.kind, 'event');
    assert.deepEqual(gaps(stream), [{ requested: rig.id(12), oldest: rig.id(17) }]);
    assert.deepEqual(stream.transport.published, numbers(17, 20));
    assert.deepEqual(rig.observed.gaps, ['too_far_behind']);
  });

  it('counts only what the stream may see', async () => {
    const rig = rigWith(0, 4, { replayPerStreamMax: 4 });
    for (let i = 0; i < 20; i++) rig.publish('other', 'x');
    const stream = rig.open({ resume: '0-0' });
    await rig.turn();
    assert.deepEqual(stream.transport.published, numbers(1, 4));
    assert.deepEqual(gaps(stream), []);
  });
});

describe('an id that this process has yet to hear of', () => {
  /** The log has seven events, of which the hub has been told five. */
  function behindTheLog() {
    const rig = rigWith(3, 5);
    const late = [rig.log('events', '6'), rig.log('events', '7')];
    return { rig, late };
  }

  it('is waited for: what comes up to it the client has, and nothing is missing', async () => {
    const { rig, late } = behindTheLog();
    const stream = rig.open({ resume: rig.id(7) });
    await rig.turn();
    for (const event of late) rig.hub.event(event);
    rig.publish('events', '8');
    await rig.clock.advanceAsync(100);
    rig.publish('events', '9');
    await rig.clock.advanceAsync(100);
    assert.deepEqual(stream.transport.published, ['8', '9']);
    assert.deepEqual(gaps(stream), []);
    assert.ok(stream.transport.heard.every(({ kind }) => kind !== 'position'));
  });

  it('is a gap where the loss of it is all that comes', async () => {
    const { rig } = behindTheLog();
    const stream = rig.open({ resume: rig.id(6) });
    await rig.turn();
    rig.hub.lost(rig.id(7));
    rig.publish('events', '8');
    await rig.clock.advanceAsync(100);
    assert.deepEqual(stream.transport.published, ['8']);
    assert.deepEqual(gaps(stream), [{ requested: rig.id(6), oldest: rig.id(8) }]);
  });

  it('is waited for while the log can’t be reached', async () => {
    const { rig, late } = behindTheLog();
    rig.history.unreachable = true;
    const stream = rig.open({ resume: rig.id(7) });
    await rig.clock.advanceAsync(3000);
    assert.deepEqual(gaps(stream), []);
    rig.history.unreachable = false;
    for (const event of late) rig.hub.event(event);
    rig.publish('events', '8');
    await rig.clock.advanceAsync(1500);
    assert.deepEqual(stream.transport.published, ['8']);
  });
});

describe('an id that no event has', () => {
  const IDS: readonly [id: string, reason: string][] = [
    ['rubbish', 'malformed'],
    ['1700000000003', 'malformed'],
    ['-5', 'malformed'],
    ['01-0', 'malformed'],
    ['1-0-0', 'malformed'],
    [' 1-0', 'malformed'],
    ['99999999999999999-0', 'malformed'],
    ['💥\r\n\r\nevent:x', 'malformed'],
    ['1900000000000-0', 'future'],
  ];
  for (const [id, reason] of IDS) {
    it(`${JSON.stringify(id)} is told as a gap (${reason}), then comes what is new`, async () => {
      const rig = rigWith(3, 5);
      const stream = rig.open({ resume: id });
      rig.publish('events', '6');
      await rig.turn();
      assert.deepEqual(stream.transport.heard.slice(1), [
        { kind: 'event', type: 'gap', data: JSON.stringify({ requested: id, oldest: null }) },
        { kind: 'position', id: rig.id(5) },
        { kind: 'event', id: rig.id(6), data: '6' },
      ]);
      assert.deepEqual(rig.observed.gaps, [reason]);
    });
  }
});
