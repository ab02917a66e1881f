import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createLog, silentLog } from '../../src/core/log.ts';
import { openTelemetry, otlpEndpoint, tracingEnv } from '../../src/roles/open-telemetry.ts';
import { ROOT } from '../support/dev-process.ts';
import { loadedBy } from '../support/loaded-modules.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const TRACES_ENDPOINT = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
const STOP_MS = 5_000;

type Env = Readonly<Record<string, string>>;

describe('tracing', () => {
  const places: readonly [what: string, flag: string | undefined, env: Env, path: string][] = [
    ['the flag', '/', {}, '/v1/traces'],
    ['a flag with a path', '/base/', {}, '/base/v1/traces'],
    ['the variable', undefined, { [ENDPOINT]: '/base' }, '/base/v1/traces'],
    [
      'the flag, whatever the variables',
      '/flag',
      { [ENDPOINT]: '/base', OTEL_SDK_DISABLED: 'true' },
      '/flag/v1/traces',
    ],
    [
      'the variable for traces, as it is',
      undefined,
      { [ENDPOINT]: '/base', [TRACES_ENDPOINT]: '/own' },
      '/own',
    ],
  ];
  for (const [what, flag, env, path] of places) {
    it(`goes where ${what} says: ${path}`, async () => {
      await using collector = await new OtlpReceiver().start();
      const at = (text: string) => (text.startsWith('/') ? collector.endpoint + text : text);
      const lines: string[] = [];
      const telemetry = await openTelemetry(
        'gateway',
        flag && at(flag),
        Object.fromEntries(Object.entries(env).map(([name, text]) => [name, at(text)])),
        createLog('info', (line) => void lines.push(line)),
      );
      telemetry?.guard.fetching('main')('ok');
      await telemetry?.stop(STOP_MS);
      assert.match(collector.raw, new RegExp(`^POST ${path}\n`));
      assert.ok(lines[0]?.includes(`"message":"tracing","origin":"${collector.endpoint}"`), lines.join(''));
    });
  }

  const off: readonly [what: string, env: Env][] = [
    ['nothing is said', {}],
    ['what is said is empty', { [ENDPOINT]: '', [TRACES_ENDPOINT]: '' }],
    ['it is disabled', { [ENDPOINT]: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'TRUE' }],
    ['traces are not exported', { [TRACES_ENDPOINT]: 'http://127.0.0.1:9', OTEL_TRACES_EXPORTER: 'none' }],
  ];
  for (const [what, env] of off) {
    it(`is off when ${what}`, async () => {
      assert.equal(await openTelemetry('gateway', undefined, env, silentLog), undefined);
      assert.deepEqual(tracingEnv(undefined, env), {});
    });
  }

  it('takes no endpoint that nothing can be posted to, and does not repeat it', async () => {
    for (const text of ['collector:4318', 'grpc://collector', '', '/v1/traces']) {
      assert.throws(() => otlpEndpoint(text), {
        name: 'UsageError',
        message: '--otlp-endpoint must be an http or https URL, such as http://collector:4318',
      });
    }
    for (const name of [ENDPOINT, TRACES_ENDPOINT]) {
      await assert.rejects(
        openTelemetry('gateway', undefined, { [name]: 'me:secret@collector' }, silentLog),
        {
          name: 'InputError',
          message: `${name} must be an http or https URL, such as http://collector:4318`,
        },
      );
    }
  });

  it('is handed on by the operator to the pods that it makes', () => {
    const env = {
      [ENDPOINT]: 'http://b:4318',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    };
    assert.deepEqual(tracingEnv('http://a:4318', {}), { [ENDPOINT]: 'http://a:4318' });
    assert.deepEqual(tracingEnv(undefined, { ...env, OTEL_EXPORTER_OTLP_HEADERS: 'x=secret' }), env);
  });
});

describe('the libraries of tracing', () => {
  const open = (endpoint?: string) => `
    const { openTelemetry } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'src', 'roles', 'open-telemetry.ts')).href)});
    const quiet = { info() {}, warn() {} };
    await openTelemetry('test', ${JSON.stringify(endpoint)}, {}, quiet);`;

  for (const role of ['gateway', 'ingest', 'dev', 'operator']) {
    it(`are not loaded by ${role} while it is off`, async () => {
      const urls = await loadedBy(role, open());
      assert.ok(urls.some((url) => url.includes('/src/core/')));
      assert.deepEqual(
        // prom-client brings `api`, which does nothing by itself, whatever we do.
        urls.filter((url) => /\/@opentelemetry\/(?!api\/)|\/src\/telemetry\//.test(url)),
        [],
      );
    });
  }

  it('are loaded when it is on', async () => {
    const urls = await loadedBy('gateway', open('http://127.0.0.1:9'));
    assert.ok(urls.some((url) => url.includes('/@opentelemetry/sdk-trace/')));
  });
});
