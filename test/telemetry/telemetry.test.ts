import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock as clock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import { startTelemetry, type Telemetry } from '../../src/telemetry/telemetry.ts';
import { eventually } from '../support/eventually.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import { until } from '../support/until.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const OPENED = { path: '/events', guard: 'main', outcome: 'opened', failed: false } as const;
const STOP_MS = 20_000;

function start(url: string, sampler?: string, samplerArgument?: string) {
  const lines: string[] = [];
  const settings = {
    url: `${url}/v1/traces`,
    serviceName: 'tidegate-test',
    version: '1.2.3',
    instance: 'pod-1',
    sampler,
    samplerArgument,
  };
  return {
    lines,
    messages: () => lines.map((line) => String(JSON.parse(line).message)),
    telemetry: startTelemetry(
      settings,
      clock,
      createLog('debug', (line) => void lines.push(line)),
    ),
  };
}

function request({ http }: Telemetry, parent = ''): void {
  http.begin('subscribe', parent)(OPENED);
}

describe('spans', () => {
  it('say what came of each piece of work, and whose it was', async () => {
    await using collector = await new OtlpReceiver().start();
    const { telemetry, lines } = start(collector.endpoint);
    telemetry.http.begin('subscribe', '')({ ...OPENED, resumed: true });
    telemetry.http.begin(
      'answer',
      '',
    )({ ...OPENED, path: undefined, outcome: 'internal', failed: true, owner: 'remote' });
    telemetry.guard.fetching('main')('not_modified');
    telemetry.guard.fetching('main')('timeout');
    const reconciled = { kind: 'JwtGuard', namespace: 'shop', name: 'main' };
    telemetry.operator.reconciling(reconciled)('done');
    telemetry.operator.reconciling(reconciled)('retry');
    await telemetry.stop(STOP_MS);
    assert.deepEqual(
      collector.spans.map(({ name, kind, failed, attributes }) => [name, kind, failed, attributes]),
      [
        [
          'subscribe',
          2,
          false,
          {
            'http.route': '/events',
            'tidegate.guard': 'main',
            'tidegate.outcome': 'opened',
            'tidegate.resumed': true,
          },
        ],
        [
          'answer',
          2,
          true,
          { 'tidegate.guard': 'main', 'tidegate.outcome': 'internal', 'tidegate.owner': 'remote' },
        ],
        ['jwks fetch', 3, false, { 'tidegate.guard': 'main', 'tidegate.outcome': 'not_modified' }],
        ['jwks fetch', 3, true, { 'tidegate.guard': 'main', 'tidegate.outcome': 'timeout' }],
        ...['done', 'retry'].map((outcome) => [
          'reconcile',
          1,
          outcome !== 'done',
          {
            'tidegate.kind': 'JwtGuard',
            'k8s.namespace.name': 'shop',
            'tidegate.name': 'main',
            'tidegate.outcome': outcome,
          },
        ]),
      ],
    );
    assert.equal(collector.resource['service.name'], 'tidegate-test');
    assert.equal(collector.resource['service.version'], '1.2.3');
    assert.equal(collector.resource['service.instance.id'], 'pod-1');
    assert.deepEqual(lines, []);
  });

  it("belong to the caller's trace when it names one rightly, and begin one otherwise", async () => {
    await using collector = await new OtlpReceiver().start();
    const { telemetry } = start(collector.endpoint);
    request(telemetry, `00-${TRACE}-${PARENT}-01`);
    for (const parent of ['', 'nonsense', `00-${'0'.repeat(32)}-${PARENT}-01`, `ff-${TRACE}-${PARENT}-01`]) {
      request(telemetry, parent);
    }
    await telemetry.stop(STOP_MS);
    const [first, ...others] = collector.spans;
    assert.deepEqual([first?.traceId, first?.parentSpanId], [TRACE, PARENT]);
    assert.equal(others.length, 4);
    for (const { traceId, parentSpanId } of others) {
      assert.notEqual(traceId, TRACE);
      assert.equal(parentSpanId || undefined, undefined);
    }
  });

  const samplers: readonly [
    name: string | undefined,
    argument: string | undefined,
    parent: '01' | '00' | undefined,
    number,
  ][] = [
    [undefined, undefined, undefined, 1],
    [undefined, undefined, '01', 1],
    [undefined, undefined, '00', 0],
    ['always_on', undefined, '00', 1],
    ['always_off', undefined, '01', 0],
    ['traceidratio', '0', '01', 0],
    ['traceidratio', '1', '00', 1],
    ['parentbased_traceidratio', '0', undefined, 0],
    ['parentbased_traceidratio', '0.0', '01', 1],
    ['parentbased_always_off', undefined, undefined, 0],
  ];
  for (const [name, argument, flags, count] of samplers) {
    it(`of ${name ?? 'the default sampler'} ${argument ?? ''} with a parent ${flags ?? 'that there is not'}: ${count}`, async () => {
      await using collector = await new OtlpReceiver().start();
      const { telemetry } = start(collector.endpoint, name, argument);
      request(telemetry, flags === undefined ? '' : `00-${TRACE}-${PARENT}-${flags}`);
      await telemetry.stop(STOP_MS);
      assert.equal(collector.spans.length, count);
    });
  }

  for (const [name, argument, message] of [
    ['sometimes', undefined, /^OTEL_TRACES_SAMPLER must be one of always_on, parentbased_always_on, /],
    ['traceidratio', '2', /^OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1$/],
    ['traceidratio', 'half', /^OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1$/],
  ] as const) {
    it(`are refused with sampler ${name} ${argument ?? ''}`, () => {
      assert.throws(() => start('http://127.0.0.1:9', name, argument), { name: 'InputError', message });
    });
  }
});

describe('a collector that is away', { timeout: 180_000 }, () => {
  it('is told of once, and once when it is back', async () => {
    await using collector = await new OtlpReceiver().start();
    const { answer } = collector;
    collector.answer = (response) => response.writeHead(400).end();
    const { telemetry, messages } = start(collector.endpoint);
    try {
      for (const requests of [1, 2]) {
        request(telemetry);
        await eventually(() => assert.equal(collector.requests, requests));
      }
      await until(() => messages().length > 0);
      assert.deepEqual(messages(), ['traces are not delivered, and dropped']);
      collector.answer = answer;
      request(telemetry);
      await eventually(() =>
        assert.deepEqual(messages(), ['traces are not delivered, and dropped', 'traces are delivered again']),
      );
    } finally {
      await telemetry.stop(STOP_MS);
    }
  });

  it('holds nobody up at the end, and what waits for it is bounded', async () => {
    await using collector = await new OtlpReceiver().start();
    // Neither an answer nor an end.
    collector.answer = () => undefined;
    const { telemetry } = start(collector.endpoint);
    for (let i = 0; i < 10_000; i++) request(telemetry);
    const startedMs = performance.now();
    await telemetry.stop(100);
    assert.ok(performance.now() - startedMs < STOP_MS, 'it does not wait for the collector');
    await eventually(() => assert.ok(collector.spans.length > 0));
    assert.ok(collector.spans.length <= 2_048 + 512, `${collector.spans.length} spans`);
  });
});
