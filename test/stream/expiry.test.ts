import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { subject } from '../../src/core/brand.ts';
import { expiring, HubRig } from '../support/hub-rig.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** A deadline is met at most two ticks of the wheel after it is due. */
const LATE_MS = 10;
const ENDED = 'event:end\ndata:{"reason":"token_expired","reconnect":false}\n\n';

describe('expiry', () => {
  it('comes at closeAt, never earlier', async () => {
    const rig = new HubRig({ heartbeatMs: 600_000 });
    const { transport } = rig.open({ authorisation: expiring(rig.clock, 30_000) });
    transport.next();
    await rig.pass(29_999);
    assert.equal(transport.next(), '');
    await rig.pass(1 + LATE_MS);
    assert.equal(transport.next(), ENDED);
    const [late = Number.NaN] = rig.observed.expiryErrorsMs;
    assert.ok(late >= 0 && late <= LATE_MS);
  });

  it('is noticed by a sweep before the wheel: not even an event queued earlier is written', async () => {
    const rig = new HubRig();
    const { transport } = rig.open({ authorisation: expiring(rig.clock, 1000) });
    await rig.turn();
    rig.publish('events', 'a');
    rig.clock.jump(1000); // no timer has run
    await rig.turn();
    assert.deepEqual(transport.published, []);
    assert.equal(transport.endReason, 'token_expired');
  });

  it('follows the wall clock wherever it is set', async () => {
    const rig = new HubRig();
    const { transport } = rig.open({ authorisation: expiring(rig.clock, 60_000) });
    rig.clock.jump(-30_000);
    await rig.pass(60_001);
    assert.equal(transport.state, 'open', 'not a moment early');
    rig.clock.jump(30_000);
    await rig.pass(LATE_MS);
    assert.equal(transport.endReason, 'token_expired');
  });

  it('is met by a thousand streams of one instant', async () => {
    const rig = new HubRig({ connectionsMax: 10_000 });
    const streams = Array.from({ length: 1000 }, () =>
      rig.open({ authorisation: expiring(rig.clock, 5000) }),
    );
    await rig.pass(4999);
    assert.ok(streams.every(({ transport }) => transport.state === 'open'));
    await rig.pass(1 + LATE_MS);
    assert.ok(streams.every(({ transport }) => transport.endReason === 'token_expired'));
  });

  it('lets no event out at or after closeAt, whatever the schedule', async () => {
    let ended = 0;
    for (let seed = 1; seed <= 40; seed++) ended += await randomSchedule(seed);
    assert.ok(ended > 200, `${ended} streams have ended`);
  });
});

describe('age', () => {
  it('ends streams at ± 20 % of the limit, told to come back', async () => {
    const rig = new HubRig({ streamAgeMs: 100_000 }, seededRandom(5));
    const streams = Array.from({ length: 100 }, () => rig.open({ authorisation: { holder: undefined } }));
    const left = () => streams.filter(({ connection }) => connection.open).length;
    await rig.pass(79_999);
    assert.equal(left(), 100);
    await rig.pass(20_000);
    assert.ok(left() > 25 && left() < 75);
    await rig.pass(20_001 + LATE_MS);
    assert.equal(left(), 0);
    for (const { transport } of streams) {
      assert.match(transport.text, /retry:\d+\nevent:end\ndata:\{"reason":"max_age","reconnect":true\}\n\n$/);
    }
  });
});

/** @returns how many streams have ended by expiry */
async function randomSchedule(seed: number): Promise<number> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const rig = new HubRig({ heartbeatMs: 300 }, random);
  for (let i = 0; i < 5; i++) rig.log('events', 'past');
  rig.hub.begin(rig.id(5));
  const streams = Array.from({ length: 20 }, (_, i) => {
    const parts = { ...expiring(rig.clock, 1 + below(2000), below(500)), subject: subject(`s${i % 3}`) };
    const resume = random() < 0.3 ? { resume: '0-0' } : {};
    return { ...rig.open({ authorisation: parts, ...resume }), closeAt: parts.closeAt };
  });
  for (let step = 0; step < 120; step++) {
    const stream = streams[below(streams.length)];
    const kind = random();
    if (kind < 0.4) rig.publish('events', 'x', random() < 0.3 ? { to: [`s${below(3)}`] } : {});
    else if (kind < 0.6) await rig.turn(1);
    else if (kind < 0.75) rig.clock.advance(below(60));
    else if (kind < 0.82) rig.clock.jump(below(80) - 20);
    else if (kind < 0.86) stream?.transport.stall(below(200));
    else if (kind < 0.96) stream?.transport.release();
    else if (kind < 0.98) rig.hub.lost(rig.history.head);
    else await rig.hub.review();
  }
  for (const { closeAt, transport } of streams) {
    for (const { at, bytes } of transport.writes) {
      if (at >= closeAt)
        assert.match(bytes.toString(), /event:end/, `seed ${seed}: written ${at - closeAt} ms late`);
    }
    const told = transport.endReason;
    if (told === 'token_expired') {
      assert.ok((transport.writes.at(-1)?.at ?? 0) >= closeAt, `seed ${seed}: ended early`);
    }
  }
  return streams.filter(({ transport }) => transport.endReason === 'token_expired').length;
}
