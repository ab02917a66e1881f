import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { createAdminApp, type Readiness } from '../../src/http/admin.ts';
import { createAdminServer } from '../../src/http/admin-server.ts';
import { CLOSE_REASONS } from '../../src/stream/close-reason.ts';
import { type DevProcess, startDev } from '../support/dev-process.ts';
import { eventually } from '../support/eventually.ts';
import { type Family, parseExposition } from '../support/exposition.ts';
import { type OpenStream, openStream } from '../support/open-stream.ts';
import { connectProducer } from '../support/producer.ts';
import { request } from '../support/request.ts';

async function startAdmin(parts: { readiness?: Readiness; failing?: boolean } = {}) {
  const { failing = false, readiness = { ready: true, missing: [], degraded: [] } } = parts;
  const metrics = {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    async text() {
      if (failing) throw new Error('s3cret');
      return 'tidegate_up 1\n';
    },
  };
  const app = createAdminApp({ metrics, readiness: () => readiness, status: () => ({ version: '1.2.3' }) });
  const server = createAdminServer(app);
  const port = await server.start({ host: '127.0.0.1', port: 0 });
  return {
    port,
    get: (path: string, init: RequestInit = {}) => request(`http://127.0.0.1:${port}${path}`, init),
    [Symbol.dispose]: () => server.stop(),
  };
}

describe('the admin listener', () => {
  it('is alive whatever else is wrong', async () => {
    using admin = await startAdmin({ readiness: { ready: false, missing: ['all'], degraded: [] } });
    const { body, headers, status } = await admin.get('/livez');
    assert.deepEqual([status, body], [200, 'ok\n']);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(headers.get('access-control-allow-origin'), null);
  });

  const states: readonly [number, Readiness][] = [
    [200, { ready: true, missing: [], degraded: [] }],
    [200, { ready: true, missing: [], degraded: ['the bus is not reached'] }],
    [503, { ready: false, missing: ['configuration', 'bus'], degraded: ['guard main has no keys'] }],
  ];
  for (const [expected, readiness] of states) {
    it(`answers /readyz with ${expected} and why: ${JSON.stringify(readiness)}`, async () => {
      using admin = await startAdmin({ readiness });
      const { body, headers, status } = await admin.get('/readyz');
      assert.equal(status, expected);
      assert.match(headers.get('content-type') ?? '', /^application\/json/);
      assert.deepEqual(JSON.parse(body), readiness);
    });
  }

  it('answers HEAD as GET without a body', async () => {
    using admin = await startAdmin();
    for (const path of ['/livez', '/readyz', '/metrics', '/status']) {
      const { body, status } = await admin.get(path, { method: 'HEAD' });
      assert.deepEqual([status, body], [200, ''], path);
    }
  });

  it('gives up on a request that never ends, before the half minute that Node would take', {
    timeout: 25_000,
  }, async (test) => {
    using admin = await startAdmin();
    const socket = connect(admin.port, '127.0.0.1');
    test.after(() => socket.destroy());
    socket.write('GET /livez HTTP/1.1\r\n');
    assert.match(await text(socket), /^HTTP\/1\.1 408 /);
  });

  const refusals: readonly [number, string, string, string][] = [
    [404, 'not_found', 'GET', '/'],
    [404, 'not_found', 'GET', '/livez/'],
    [404, 'not_found', 'GET', '/toString'],
    [404, 'not_found', 'POST', '/debug'],
    [405, 'method_not_allowed', 'POST', '/livez'],
    [405, 'method_not_allowed', 'DELETE', '/metrics'],
    [405, 'method_not_allowed', 'OPTIONS', '/status'],
  ];
  for (const [status, code, method, path] of refusals) {
    it(`answers ${method} ${path} with ${status}`, async () => {
      using admin = await startAdmin();
      const answer = await admin.get(path, { method });
      assert.deepEqual([answer.status, answer.code], [status, code]);
      assert.equal(answer.headers.get('allow'), status === 405 ? 'GET, HEAD' : null);
    });
  }

  it('says nothing of a fault of its own, and lives on', async () => {
    using admin = await startAdmin({ failing: true });
    const { body, status } = await admin.get('/metrics');
    assert.equal(status, 500);
    assert.doesNotMatch(body, /s3cret/);
    assert.equal((await admin.get('/livez')).status, 200);
  });
});

/** Contract, section 8, but for the operator's. */
const METRICS = [
  ...['connections', 'connections_opened_total', 'connections_closed_total', 'requests_rejected_total'],
  ...['challenges_total', 'answer_duration_seconds', 'expiry_error_seconds', 'events_received_total'],
  ...['events_delivered_total', 'events_replayed_total', 'gaps_total', 'delivery_latency_seconds'],
  ...['delivery_lag_events', 'ring_events', 'ring_bytes', 'bus_connected', 'ingest_lines_total'],
  ...['bus_reconnects_total', 'bus_backfilled_events_total', 'bus_probe_seconds'],
  ...['ingest_connections', 'jwks_fetches_total', 'jwks_age_seconds', 'guard_generation'],
  ...[
    'config_reloads_total',
    'token_cache_hits_total',
    'token_cache_misses_total',
    'event_loop_delay_seconds',
  ],
  ...['draining', 'build_info'],
];

/** What a label may say; a path is as configured, a guard as it is named. */
const LABELS: Readonly<Record<string, RegExp>> = {
  guard: /^example$/,
  path: /^\/events$/,
  reason: /^[a-z_]+$/,
  code: /^[a-z_]+$/,
  outcome: /^(sent|answered|refused|unanswered)$/,
  result: /^[a-z_]+$/,
  version: /^\d+\.\d+\.\d+/,
  le: /^(\+Inf|[\d.]+)$/,
};

const SUBJECT = 'subject-nobody-may-see';
const PAYLOAD = 'payload-nobody-may-see';
const QUERY = 'query-nobody-may-see';

describe('/metrics and /status of a server at work', { timeout: 180_000 }, () => {
  let dev: DevProcess;
  let secrets: readonly string[];
  const streams: OpenStream[] = [];
  const get = (path: string) => request(`http://127.0.0.1:${dev.ports.admin}${path}`);
  const families = async () => parseExposition((await get('/metrics')).body);

  before(async () => {
    dev = await startDev();
    const token = await dev.token('--sub', SUBJECT, '--ttl', '5m');
    const passing = await dev.token('--sub', SUBJECT, '--ttl', '2s');
    secrets = [SUBJECT, PAYLOAD, QUERY, token, passing, ...token.split('.')];
    const { clearText, ingest } = dev.ports;
    const stream = await openStream(clearText, '/events', { authorization: `Bearer ${token}` });
    const short = await openStream(clearText, `/events?access_token=${passing}`);
    streams.push(stream, short);
    const producer = await connectProducer(ingest);
    producer.socket.write(`rubbish ${PAYLOAD}\n`);
    producer.socket.end(`${JSON.stringify({ data: PAYLOAD, to: SUBJECT, ref: 'r' })}\n`);
    await stream.next('message');
    await short.next('challenge');
    await request(`http://127.0.0.1:${clearText}/events?q=${QUERY}`);
    await request(`http://127.0.0.1:${clearText}/${QUERY}`);
    await short.next('end');
  });

  after(async () => {
    for (const { socket } of streams) socket.destroy();
    await dev[Symbol.asyncDispose]();
  });

  it('is the text format that Prometheus asks for', async () => {
    const { headers, status } = await get('/metrics');
    assert.equal(status, 200);
    assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  });

  it('has every metric, each with a help text that is a sentence', async () => {
    const found = await families();
    for (const name of METRICS) {
      const family = found.get(`tidegate_${name}`);
      assert.ok(family, `tidegate_${name} is missing`);
      assert.match(family.help, /^[A-Z].*\.$/, name);
      const type = name.endsWith('_total')
        ? 'counter'
        : /_(duration|error|latency|delay|probe)_seconds$/.test(name)
          ? 'histogram'
          : 'gauge';
      assert.equal(family.type, type, name);
    }
  });

  it('labels from the closed sets only', async () => {
    for (const [name, { samples }] of await families()) {
      if (!name.startsWith('tidegate_')) continue;
      for (const { labels } of samples) {
        for (const [label, value] of Object.entries(labels)) {
          assert.match(value, LABELS[label] ?? /^$/, `${name}{${label}="${value}"}`);
        }
      }
    }
  });

  it('counts what has happened', async () => {
    const found = await families();
    const expected: readonly [string, Readonly<Record<string, string>>, number][] = [
      ['connections', {}, 1],
      ['connections_opened_total', { path: '/events' }, 2],
      ['connections_closed_total', { reason: 'token_expired' }, 1],
      ['challenges_total', { guard: 'example', outcome: 'sent' }, 1],
      ['challenges_total', { guard: 'example', outcome: 'unanswered' }, 1],
      ['requests_rejected_total', { code: 'missing' }, 1],
      ['requests_rejected_total', { code: 'not_found' }, 1],
      ['events_received_total', {}, 1],
      ['events_delivered_total', {}, 2],
      ['delivery_lag_events', {}, 0],
      ['ring_events', {}, 1],
      ['ingest_lines_total', { result: 'accepted' }, 1],
      ['ingest_lines_total', { result: 'refused' }, 1],
      ['ingest_connections', {}, 0],
      ['bus_connected', {}, 1],
      ['guard_generation', { guard: 'example' }, 1],
      ['draining', {}, 0],
      ['token_cache_misses_total', {}, 2],
    ];
    for (const [name, labels, value] of expected) {
      assert.equal(figure(found, name, labels), value, `${name} ${JSON.stringify(labels)}`);
    }
    await eventually(async () => {
      const later = await families();
      assert.ok((figure(later, 'event_loop_delay_seconds', {}, '_count') ?? 0) > 10);
    });
  });

  it('has a zero to rise from wherever the labels are known in advance', async () => {
    const found = await families();
    const known: readonly [string, string, readonly string[]][] = [
      ['connections_closed_total', 'reason', [...Object.keys(CLOSE_REASONS), 'client_gone']],
      ['gaps_total', 'reason', ['malformed', 'future', 'trimmed', 'too_far_behind', 'lost']],
      ['challenges_total', 'outcome', ['sent', 'answered', 'refused', 'unanswered']],
      ['ingest_lines_total', 'result', ['accepted', 'refused', 'unavailable']],
      ['config_reloads_total', 'result', ['applied', 'refused', 'missing']],
    ];
    for (const [name, label, values] of known) {
      const shown = found.get(`tidegate_${name}`)?.samples.map(({ labels }) => labels[label]);
      assert.deepEqual(new Set(shown), new Set(values), name);
    }
  });

  it('shows no subject, no token, no payload and no query', async () => {
    const shown = [
      (await get('/metrics')).body,
      (await get('/status')).body,
      (await get('/readyz')).body,
      dev.log(),
    ];
    for (const text of shown) {
      for (const secret of secrets)
        assert.ok(!text.includes(secret), `${secret} stands in ${text.slice(0, 80)}`);
    }
  });

  it('tells people how it is', async () => {
    const { body, headers } = await get('/status');
    assert.match(headers.get('content-type') ?? '', /^application\/json/);
    const status = JSON.parse(body);
    assert.equal(status.connections, 1);
    assert.equal(status.guards[0].name, 'example');
    assert.equal(status.bus.connected, true);
    assert.match(status.version, /^\d+\./);
  });
});

function figure(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>>,
  suffix = '',
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return families
    .get(`tidegate_${name}`)
    ?.samples.find(
      (sample) =>
        sample.name === `tidegate_${name}${suffix}` &&
        JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
    )?.value;
}
