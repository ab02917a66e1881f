import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOSE_REASONS, type CloseReason } from '../../src/stream/close-reason.ts';
import { HubRig } from '../support/hub-rig.ts';

const LATE_MS = 10;

const ENDS: Readonly<Record<CloseReason, string>> = {
  token_expired: 'event:end\ndata:{"reason":"token_expired","reconnect":false}\n\n',
  revoked: 'event:end\ndata:{"reason":"revoked","reconnect":false}\n\n',
  guard_changed: 'event:end\ndata:{"reason":"guard_changed","reconnect":false}\n\n',
  slow_consumer: 'retry:2000\nevent:end\ndata:{"reason":"slow_consumer","reconnect":true}\n\n',
  draining: 'retry:2000\nevent:end\ndata:{"reason":"draining","reconnect":true}\n\n',
  max_age: 'retry:2000\nevent:end\ndata:{"reason":"max_age","reconnect":true}\n\n',
};
const REASONS: readonly CloseReason[] = [
  'token_expired',
  'revoked',
  'guard_changed',
  'slow_consumer',
  'draining',
  'max_age',
];

describe('the end of a stream', () => {
  it('has no reason that is not tested here', () => {
    assert.deepEqual(Object.keys(CLOSE_REASONS).toSorted(), REASONS.toSorted());
  });

  for (const reason of REASONS) {
    it(`for ${reason} is told byte for byte, then it is ended cleanly, once`, async () => {
      const rig = new HubRig();
      const { connection, transport } = rig.open();
      transport.next();
      rig.hub.end(connection, reason);
      rig.hub.end(connection, 'revoked');
      rig.publish('events', 'a');
      await rig.turn();
      assert.equal(transport.next(), ENDS[reason]);
      assert.equal(transport.state, 'ended');
      assert.deepEqual(rig.observed.closedReasons, [reason]);
      assert.equal(rig.hub.status().connections, 0);
    });
  }

  it('that is not taken within five seconds is a reset, and counted', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open();
    rig.hub.end(connection, 'revoked');
    await rig.pass(4999);
    assert.equal(transport.state, 'ended');
    await rig.pass(1 + LATE_MS);
    assert.equal(transport.state, 'aborted');
    assert.equal(rig.observed.abortedCount, 1);
    rig.hub.gone(connection);
    await rig.pass(60_000);
    assert.equal(rig.observed.abortedCount, 1);
    assert.deepEqual(rig.observed.closedReasons, ['revoked'], 'it was closed once');
  });

  it('that is taken is no reset', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open();
    rig.hub.end(connection, 'revoked');
    await rig.pass(3000);
    rig.hub.gone(connection);
    await rig.pass(60_000);
    assert.equal(transport.state, 'ended');
    assert.equal(rig.observed.abortedCount, 0);
  });

  it('is told also to a peer that takes nothing, after what it was given', async () => {
    const rig = new HubRig();
    const { connection, transport } = rig.open();
    await rig.turn();
    transport.stall();
    rig.publish('events', 'a');
    await rig.turn();
    rig.publish('events', 'b');
    rig.hub.end(connection, 'guard_changed');
    assert.deepEqual(transport.published, ['a']);
    assert.equal(transport.endReason, 'guard_changed');
  });
});
