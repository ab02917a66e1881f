import { MemoryBus } from '../../src/bus/memory-bus.ts';
import { MemoryRevocations } from '../../src/bus/memory-revocations.ts';
import { type Configuration, parseConfiguration } from '../../src/config/configuration.ts';
import { epochMs, subject, topic } from '../../src/core/brand.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import type { EventId } from '../../src/core/event-id.ts';
import { createLog, silentLog } from '../../src/core/log.ts';
import { Guards } from '../../src/guard/guards.ts';
import type { AppParts } from '../../src/http/app.ts';
import { createClearListener } from '../../src/http/clear-listener.ts';
import { createProtocols } from '../../src/http/protocols.ts';
import type { HttpTracer } from '../../src/http/tracer.ts';
import { createGateway, type Gateway } from '../../src/roles/gateway-parts.ts';
import { AUDIENCE, createKey, forge, ISSUER, type IssuerKey, jwks, type Members } from './issuer.ts';
import { type Observed, observe } from './observers.ts';

export interface GatewayOptions {
  /** YAML in flow style, without braces, for `JwtGuard.spec` beside issuer, audiences and keys. */
  readonly guard?: string;
  /** The same for `EventGateway.spec`; default: one guarded stream at /events. */
  readonly gateway?: string;
  /** More guards by name, each `JwtGuard.spec` as above, with the same keys and the issuer `https://NAME.example/`. */
  readonly more?: Readonly<Record<string, string>>;
  /** The same for `JwtGuard.spec.jwks`; default: the gateway's own key, inline. */
  readonly jwks?: string;
  /** When an HTTP/2 session without an open stream is let go. */
  readonly sessionIdleMs?: number;
  /** What `dev` serves beside streams. */
  readonly pages?: AppParts['pages'];
  /** What traces are told. */
  readonly tracer?: HttpTracer;
  /** Lines of the log, if anybody cares. */
  readonly log?: (line: string) => void;
}

/** A stream server on clear text and a free port, with an issuer of its own: everything but ingest is real. */
export interface RunningGateway extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly observed: Observed;
  readonly gateway: Gateway;
  readonly guards: Guards;
  readonly revocations: MemoryRevocations;
  readonly key: IssuerKey;
  /** A good token for two minutes, with these claims instead of the usual ones; `ttl` in seconds, fractions allowed. */
  token(claims?: Members, ttl?: number): string;
  publish(
    data: string,
    more?: { topic?: string; type?: string; to?: string; guard?: string },
  ): Promise<EventId>;
  apply(options: GatewayOptions): void;
}

export const SUBSCRIBER = { sub: 'alice', scope: 'events:read' };

export async function startGateway(options: GatewayOptions = {}): Promise<RunningGateway> {
  const key = createKey('k1');
  const observed = observe();
  let generation = 1;
  let configuration = configure(options, key, generation);
  const { random } = Math;
  const log = options.log === undefined ? silentLog : createLog('debug', options.log);
  const guards = new Guards({ clock, random, log, observer: observed.guard, secretsDir: undefined });
  await guards.apply(configuration.guards);
  const bounds = { maxEvents: 10_000, maxAgeMs: 3_600_000, maxBytes: 2 ** 24 };
  const bus = new MemoryBus({ clock, bounds: () => bounds });
  const pages = options.pages === undefined ? {} : { pages: options.pages };
  const revocations = new MemoryRevocations(clock);
  const parts = {
    configuration,
    guards,
    bus,
    revocations,
    clock,
    random,
    log,
    metrics: observed,
    pod: 'pod-1',
    ...pages,
  };
  const gateway = await createGateway({ ...parts, tracer: options.tracer });
  const protocols = createProtocols(gateway.app, clock, options.sessionIdleMs);
  const listener = createClearListener(protocols, clock, 1_000);
  const port = await listener.start({ host: '127.0.0.1', port: 0 });
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    observed,
    gateway,
    guards,
    revocations,
    key,
    token(claims = {}, ttl = 120) {
      const now = Date.now() / 1000;
      return forge(key, {
        iss: ISSUER,
        aud: AUDIENCE,
        ...SUBSCRIBER,
        iat: Math.floor(now),
        exp: now + ttl,
        ...claims,
      });
    },
    publish: (data, more = {}) =>
      bus.publish({
        data,
        topic: topic(more.topic ?? 'events'),
        ...(more.type === undefined ? {} : { type: more.type }),
        ...(more.to === undefined
          ? {}
          : { audience: { guard: more.guard ?? 'main', subjects: [subject(more.to)] } }),
        receivedAt: epochMs(Date.now()),
      }),
    apply(next) {
      configuration = configure(next, key, ++generation);
      gateway.apply(configuration);
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop(50);
      guards.stop();
      listener.close();
      protocols.close();
      listener.destroy();
    },
  };
}

const EVENTS = 'streams: [{ path: /events, guardRefs: [{ name: main }], scopes: ["events:read"] }]';

function configure(
  { guard, gateway = EVENTS, more = {}, jwks: keys }: GatewayOptions,
  key: IssuerKey,
  generation: number,
): Configuration {
  const document = (name: string, issuer: string, spec = '') => `
apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: ${name} }
spec: { issuer: '${issuer}', audiences: ['${AUDIENCE}'], jwks: { ${keys ?? `inline: '${jwks(key)}'`} }${spec ? `, ${spec}` : ''} }
---`;
  const others = Object.entries(more).map(([name, spec]) => document(name, `https://${name}.example/`, spec));
  const text = `${document('main', ISSUER, guard)}${others.join('')}
apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: test }
spec: { ${gateway} }
`;
  const parsed = parseConfiguration(text, 'test.yaml');
  if (!parsed.ok) throw new Error(parsed.faults.map((fault) => `${fault.path} ${fault.rule}`).join('\n'));
  const guards = [...parsed.configuration.guards].map(
    ([name, document]) => [name, { ...document, generation }] as const,
  );
  return { gateway: { ...parsed.configuration.gateway, generation }, guards: new Map(guards) };
}
