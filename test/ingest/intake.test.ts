import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Intake } from '../../src/ingest/intake.ts';
import type { Reply } from '../../src/ingest/reply.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { createIntakeRig } from '../support/intake-parts.ts';

function setUp(idempotencyKey?: string) {
  const clock = new FakeClock();
  const rig = createIntakeRig(clock);
  const replies: Reply[] = [];
  const intake = new Intake(rig.parts, { reply: (reply) => replies.push(reply) }, idempotencyKey);
  return {
    clock,
    rig,
    log: rig.log,
    intake,
    replies,
    /** Pushes a line of each. */
    lines: (...lines: readonly string[]) =>
      intake.push(Buffer.from(lines.map((line) => `${line}\n`).join(''))),
    /** `ref`, or `code@line`. */
    told: () =>
      replies.map((reply) => ('error' in reply ? `${reply.error.code}@${reply.error.line}` : reply.ref)),
  };
}

const event = (ref: string): string => `{"data":"${ref}","ref":"${ref}"}`;
/** Lets everything happen that waits for nothing but promises. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Intake', () => {
  it('publishes each line and tells its id', async () => {
    const { intake, lines, log, replies, rig } = setUp();
    lines(event('a'), '{"data":{"b":1.0},"to":"alice"}');
    await intake.end();
    assert.deepEqual(log.data, ['a', '{"b":1.0}']);
    assert.deepEqual(log.events[1]?.audience, { guard: 'main', subjects: ['alice'] });
    assert.deepEqual(replies, [{ id: '1-1', ref: 'a' }, { id: '1-2' }]);
    assert.deepEqual(rig.results, ['accepted', 'accepted']);
  });

  it('replies in the order of lines, whatever comes first', async () => {
    const { intake, lines, log, told } = setUp();
    log.mode = 'held';
    lines(event('a'), 'rubbish', event('b'), event('c'));
    await settle();
    assert.equal(log.waiting, 3, 'no line waits for another');
    log.take(2);
    log.take(1);
    await settle();
    assert.deepEqual(told(), [], 'the first is still out');
    log.take();
    await intake.end();
    assert.deepEqual(told(), ['a', 'not_json@2', 'b', 'c']);
  });

  it('says nothing before the log has the event', async () => {
    const { intake, lines, log, told } = setUp();
    log.mode = 'held';
    lines(event('a'));
    await settle();
    assert.deepEqual(told(), []);
    log.take();
    await intake.end();
    assert.deepEqual(told(), ['a']);
  });

  it('counts every line, skips the empty ones, takes a last one without its end', async () => {
    const { intake, log, told } = setUp();
    intake.push(Buffer.from('\n\r\n{"data":"a"}\nrubbish\r\n\n{"data":"b"'));
    intake.push(Buffer.from('}'));
    await intake.end();
    assert.deepEqual(log.data, ['a', 'b']);
    assert.deepEqual(told(), [undefined, 'not_json@4', undefined]);
  });

  it('skips what is too long and goes on', async () => {
    const { intake, log, rig, told } = setUp();
    rig.rules = { ...rig.rules, eventBytesMax: 10 };
    intake.push(Buffer.from(`{"data":"${'x'.repeat(11)}"}\n`));
    for (let sent = 0; sent < 3; sent++) intake.push(Buffer.alloc(4_000, 'x'));
    intake.push(Buffer.from(`"}\n{"data":"fits"}\n`));
    await intake.end();
    assert.deepEqual(told(), ['too_large@1', 'too_large@2', undefined]);
    assert.deepEqual(log.data, ['fits']);
  });

  it('takes data of the largest size when every letter of it is escaped', async () => {
    const { intake, log, rig } = setUp();
    rig.rules = { ...rig.rules, eventBytesMax: 100_000 };
    intake.push(Buffer.from(`{"data":"${'\\u0434'.repeat(50_000)}"}\n`));
    await intake.end();
    assert.deepEqual(log.data, ['д'.repeat(50_000)]);
  });

  it('goes by the rules as they are at each line', async () => {
    const { intake, lines, rig, told } = setUp();
    lines('{"data":"12345"}');
    rig.rules = { ...rig.rules, eventBytesMax: 4 };
    lines('{"data":"12345"}');
    await intake.end();
    assert.deepEqual(told(), [undefined, 'too_large@2']);
  });

  it('tells the reference of a line that it refuses', async () => {
    const { intake, lines, replies } = setUp();
    lines('{"dat":"a","ref":"7"}');
    await intake.end();
    assert.deepEqual(
      replies.map(({ ref }) => ref),
      ['7'],
    );
  });

  describe('back-pressure', () => {
    it('is full at 1,024 lines without an answer, and has room when one is answered', async () => {
      const { intake, lines, log } = setUp();
      log.mode = 'held';
      lines(...Array.from({ length: 1_023 }, () => '{"data":1}'));
      assert.equal(intake.full, false);
      lines('{"data":1}');
      assert.equal(intake.full, true);
      let room = false;
      void intake.room().then(() => {
        room = true;
      });
      await settle();
      assert.equal(room, false);
      log.take();
      await settle();
      assert.equal(room, true);
      assert.equal(intake.full, false);
    });

    it('is full at a mebibyte of lines without an answer', async () => {
      const { intake, lines, log } = setUp();
      log.mode = 'held';
      const line = `{"data":"${'x'.repeat(250_000)}"}`;
      for (let sent = 1; sent <= 5; sent++) {
        lines(line);
        assert.equal(intake.full, sent === 5, `after ${sent}`);
      }
      log.take();
      await intake.room();
    });

    it('does not wait while there is room', () => setUp().intake.room());
  });

  describe('while the log can not be reached', () => {
    it('tells each line that the bus has given up: unavailable, and not a bad line', async () => {
      const { intake, lines, log, rig, told } = setUp();
      log.mode = 'away';
      lines(...Array.from({ length: 150 }, (_, at) => event(String(at))));
      await settle();
      assert.deepEqual(
        told(),
        Array.from({ length: 150 }, (_, at) => `unavailable@${at + 1}`),
      );
      assert.deepEqual(new Set(rig.results), new Set(['unavailable']));
      log.mode = 'ready';
      assert.equal(lines(event('next')), true);
      await intake.end();
      assert.deepEqual(log.data, ['next']);
    });

    for (const error of [undefined, new TypeError('a fault of our own')]) {
      it(`repeats nothing: only the bus knows what has become of it (${error?.name ?? 'BusError'})`, async () => {
        const { intake, lines, log, told } = setUp();
        log.mode = 'held';
        lines(event('a'));
        await settle();
        log.lose(error);
        await intake.end();
        assert.deepEqual(told(), ['unavailable@1']);
        assert.equal(log.attempts, 1);
      });
    }
  });

  describe('bad lines', () => {
    it('takes no more after 100 in a row, and says so once', async () => {
      const { intake, lines, log, told } = setUp();
      lines(...Array.from({ length: 99 }, () => 'rubbish'));
      assert.equal(lines('rubbish', event('a')), false);
      assert.equal(lines(event('b')), false);
      await intake.end();
      assert.equal(told().length, 100);
      assert.deepEqual(told().slice(-2), ['not_json@99', 'too_many_errors@100']);
      assert.deepEqual(log.data, []);
    });

    it('counts them anew after a good one', async () => {
      const { intake, lines } = setUp();
      for (let round = 0; round < 3; round++) {
        assert.equal(lines(...Array.from({ length: 99 }, () => 'rubbish'), event('a')), true);
      }
      await intake.end();
    });

    it('counts skipped ones too', () => {
      const { intake, rig } = setUp();
      rig.rules = { ...rig.rules, eventBytesMax: 10 };
      const line = Buffer.from(`${'x'.repeat(5_000)}\n`);
      for (let sent = 1; sent < 100; sent++) assert.equal(intake.push(line), true);
      assert.equal(intake.push(line), false);
    });
  });

  it('leaves half a line to the producer when it is closed', async () => {
    const { intake, log, told } = setUp();
    log.mode = 'held';
    intake.push(Buffer.from(`${event('a')}\n{"data":"b"}`));
    let closed = false;
    const closing = intake.close().then(() => {
      closed = true;
    });
    await settle();
    assert.equal(closed, false, 'the whole line has no outcome yet');
    log.take();
    await closing;
    assert.deepEqual(log.data, ['a']);
    assert.deepEqual(told(), ['a']);
    assert.equal(intake.push(Buffer.from('\n')), false);
  });

  it('gives each line the key of the whole input and its number', async () => {
    const { intake, lines, log } = setUp('k');
    lines('{"data":1}', 'rubbish', '{"data":2,"key":"own"}', '{"data":3}');
    await intake.end();
    assert.deepEqual(log.keys, ['k\n1', 'own', 'k\n4']);
  });

  it('gives no key where there is none', async () => {
    const { intake, lines, log } = setUp();
    lines('{"data":1}', '{"data":2,"key":"own"}');
    await intake.end();
    assert.deepEqual(log.keys, [undefined, 'own']);
  });
});
