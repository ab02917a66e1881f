import { hostname } from 'node:os';
import { systemClock as clock } from '../core/clock.ts';
import { InputError, UsageError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import type { Terminal } from '../core/terminal.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { version } from './version.ts';

/** As `parseArgs` takes it. */
export const TRACING = { 'otlp-endpoint': { type: 'string' } } as const;

export const TRACING_FLAG = `  --otlp-endpoint URL     sends traces to this collector, by OTLP over HTTP in JSON (default: OTEL_EXPORTER_OTLP_ENDPOINT,
                          else none)
`;

const URL_RULE = 'must be an http or https URL, such as http://collector:4318';
const BASE = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const OWN = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';
const TRACES_PATH = 'v1/traces';

/** @throws {UsageError} when it is no URL that spans could be posted to */
export function otlpEndpoint(text: string | undefined): string | undefined {
  if (text !== undefined && parse(text) === undefined) throw new UsageError(`--otlp-endpoint ${URL_RULE}`);
  return text;
}

/** What the pods of a gateway need, so that they trace as this process does. */
export function tracingEnv(
  endpoint: string | undefined,
  env: Terminal['env'],
): Readonly<Record<string, string>> {
  const base = endpoint ?? (isDisabled(env) ? undefined : env[BASE] || undefined);
  if (base === undefined) return {};
  const samplers = ['OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG'].flatMap((name) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  return { [BASE]: base, ...Object.fromEntries(samplers) };
}

/**
 * Tracing as a flag and the variables of OpenTelemetry ask for it. Nothing of it is loaded unless they do.
 *
 * @param endpoint what the flag says; it counts more than the variables
 */
export async function openTelemetry(
  role: string,
  endpoint: string | undefined,
  env: Terminal['env'],
  log: Log,
): Promise<Telemetry | undefined> {
  const url = urlOf(endpoint, env);
  if (url === undefined) return undefined;
  const { startTelemetry } = await import('../telemetry/telemetry.ts');
  const settings = {
    url,
    version,
    serviceName: `tidegate-${role}`,
    instance: hostname(),
    sampler: env['OTEL_TRACES_SAMPLER'] || undefined,
    samplerArgument: env['OTEL_TRACES_SAMPLER_ARG'] || undefined,
  };
  const telemetry = startTelemetry(settings, clock, log);
  log.info('tracing', { origin: new URL(url).origin });
  return telemetry;
}

function urlOf(endpoint: string | undefined, env: Terminal['env']): string | undefined {
  if (endpoint !== undefined) return tracesUrl(endpoint, '--otlp-endpoint');
  if (isDisabled(env)) return undefined;
  // Of the two, only the one for every signal is a base (OpenTelemetry, OTLP exporter, endpoint URLs).
  const own = env[OWN] || undefined;
  if (own !== undefined) return checked(own, OWN).href;
  const base = env[BASE] || undefined;
  return base === undefined ? undefined : tracesUrl(base, BASE);
}

function isDisabled(env: Terminal['env']): boolean {
  return env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
}

function tracesUrl(base: string, whence: string): string {
  const url = checked(base, whence);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${TRACES_PATH}`;
  return url.href;
}

function checked(text: string, whence: string): URL {
  const url = parse(text);
  // The text may hold a password.
  if (url === undefined) throw new InputError(`${whence} ${URL_RULE}`);
  return url;
}

function parse(text: string): URL | undefined {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined;
}
