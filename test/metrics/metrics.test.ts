import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { parseExposition } from '../support/exposition.ts';

/** Every series of one metric: labels and value, such as `outcome=sent 1`. */
async function shown(metrics: ReturnType<typeof createMetrics>, name: string): Promise<readonly string[]> {
  const samples = parseExposition(await metrics.text()).get(`tidegate_${name}`)?.samples ?? [];
  return samples.map(({ labels, value }) =>
    [...Object.entries(labels).map(([label, text]) => `${label}=${text}`), value].join(' '),
  );
}

const hub = (connections: number, lag: number) => ({
  status: () => ({ connections, lag, draining: lag > 0, ring: { events: 7, bytes: 900 } }),
});

describe('createMetrics', () => {
  it('shows the hub as it is when it is asked', async () => {
    const metrics = createMetrics({ version: '1.2.3' });
    let lag = 0;
    metrics.stream.watch({ status: () => hub(2, lag).status() });
    assert.deepEqual(await shown(metrics, 'delivery_lag_events'), ['0']);
    lag = 12;
    assert.deepEqual(await shown(metrics, 'delivery_lag_events'), ['12']);
    assert.deepEqual(await shown(metrics, 'connections'), ['2']);
    assert.deepEqual(await shown(metrics, 'draining'), ['1']);
    assert.deepEqual(await shown(metrics, 'ring_events'), ['7']);
    assert.deepEqual(await shown(metrics, 'ring_bytes'), ['900']);
    assert.deepEqual(await shown(metrics, 'build_info'), ['version=1.2.3 1']);
  });

  it('shares nothing with another in the same process', async () => {
    const [one, other] = [createMetrics({ version: '1' }), createMetrics({ version: '1' })];
    one.stream.received();
    assert.deepEqual(await shown(other, 'events_received_total'), ['0']);
  });

  it('forgets a guard that is gone, but not what was counted for it', async () => {
    const metrics = createMetrics({ version: '1' });
    let guards = [
      { name: 'a', generation: 3, keysAgeMs: 1_500 },
      { name: 'b', generation: 1 },
    ];
    metrics.guard.watch({ status: () => guards });
    assert.deepEqual(await shown(metrics, 'guard_generation'), ['guard=a 3', 'guard=b 1']);
    assert.deepEqual(await shown(metrics, 'jwks_age_seconds'), ['guard=a 1.5']);
    metrics.stream.challenge('a', 'sent');
    guards = [{ name: 'b', generation: 2 }];
    assert.deepEqual(await shown(metrics, 'guard_generation'), ['guard=b 2']);
    assert.deepEqual(await shown(metrics, 'jwks_age_seconds'), []);
    assert.ok((await shown(metrics, 'challenges_total')).includes('guard=a outcome=sent 1'));
  });

  it('shows guards and paths before anything has happened to them', async () => {
    const metrics = createMetrics({ version: '1' });
    metrics.guard.watch({ status: () => [{ name: 'a', generation: 1 }] });
    metrics.stream.paths(['/events', '/orders']);
    assert.deepEqual(await shown(metrics, 'connections_opened_total'), ['path=/events 0', 'path=/orders 0']);
    assert.deepEqual(await shown(metrics, 'challenges_total'), [
      'guard=a outcome=sent 0',
      'guard=a outcome=answered 0',
      'guard=a outcome=refused 0',
      'guard=a outcome=unanswered 0',
    ]);
    metrics.stream.opened('/events');
    metrics.stream.paths(['/events']);
    assert.deepEqual(await shown(metrics, 'connections_opened_total'), ['path=/events 1', 'path=/orders 0']);
  });

  it('counts a refused answer where its challenge is counted', async () => {
    const metrics = createMetrics({ version: '1' });
    metrics.http.onRefused((guard) => metrics.stream.challenge(guard, 'refused'));
    metrics.http.answerRefused('a');
    assert.deepEqual(await shown(metrics, 'challenges_total'), ['guard=a outcome=refused 1']);
  });

  it('tells of a bus over a network', async () => {
    const metrics = createMetrics({ version: '1' });
    let connected = false;
    metrics.bus.watch({
      health: () => (connected ? { connected } : { connected: false, reason: 'refused', forMs: 1 }),
    });
    assert.deepEqual(await shown(metrics, 'bus_connected'), ['0']);
    connected = true;
    assert.deepEqual(await shown(metrics, 'bus_connected'), ['1']);
    metrics.bus.reconnected();
    metrics.bus.backfilled(12);
    assert.deepEqual(await shown(metrics, 'bus_reconnects_total'), ['1']);
    assert.deepEqual(await shown(metrics, 'bus_backfilled_events_total'), ['12']);
  });

  it('tells durations in seconds', async () => {
    const metrics = createMetrics({ version: '1' });
    metrics.stream.expiryError(40);
    metrics.stream.latency(2_500);
    metrics.http.answered(3);
    metrics.bus.probed(7);
    for (const [name, sum] of [
      ['expiry_error_seconds', '0.04'],
      ['delivery_latency_seconds', '2.5'],
      ['answer_duration_seconds', '0.003'],
      ['bus_probe_seconds', '0.007'],
    ] as const) {
      assert.ok((await metrics.text()).includes(`tidegate_${name}_sum ${sum}\n`), name);
    }
  });

  it('notices that the event loop is held up, and keeps it through any number of scrapes', async () => {
    const metrics = createMetrics({ version: '1' });
    const until = performance.now() + 150;
    while (performance.now() < until);
    const stalled = async () =>
      (await shown(metrics, 'event_loop_delay_seconds')).filter((line) => /^le=(0\.1|\+Inf) /.test(line));
    await eventually(async () => {
      const [below, all] = (await stalled()).map((line) => Number(line.split(' ')[1]));
      assert.ok(below !== undefined && all !== undefined && all > below);
    });
  });
});
