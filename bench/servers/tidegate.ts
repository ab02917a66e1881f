/** Tidegate's whole path in one process: JWT guard, in-memory bus, hub, ring, sweep, clear-text HTTP/1.1. */
import { MemoryBus } from '../../src/bus/memory-bus.ts';
import { parseConfiguration } from '../../src/config/configuration.ts';
import { topic } from '../../src/core/brand.ts';
import { systemClock as clock } from '../../src/core/clock.ts';
import { silentLog as log } from '../../src/core/log.ts';
import { Guards } from '../../src/guard/guards.ts';
import { createDevelopmentKeys, mintToken } from '../../src/guard/mint.ts';
import { createClearListener } from '../../src/http/clear-listener.ts';
import { createProtocols } from '../../src/http/protocols.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { createGateway } from '../../src/roles/gateway-parts.ts';
import { LEAD_TIME_S } from '../lead-time.ts';
import { serve } from './protocol.ts';

const ISSUER = 'https://issuer.test';
const AUDIENCE = 'https://audience.test';

const keys = await createDevelopmentKeys();
const parsed = parseConfiguration(
  `
apiVersion: tidegate.dev/v1alpha1
kind: JwtGuard
metadata: { name: bench }
spec:
  issuer: ${ISSUER}
  audiences: [${AUDIENCE}]
  jwks: { inline: '${JSON.stringify(keys.jwks)}' }
  challenge: { leadTime: ${LEAD_TIME_S}s }
---
apiVersion: tidegate.dev/v1alpha1
kind: EventGateway
metadata: { name: bench }
spec:
  streams: [{ path: /events, guardRefs: [{ name: bench }] }]
  limits: { perSubject: 100000 }
`,
  'bench',
);
if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
const { configuration } = parsed;
const metrics = createMetrics({ version: 'bench' });
const { random } = Math;
const guards = new Guards({ clock, random, log, observer: metrics.guard, secretsDir: undefined });
await guards.apply(configuration.guards);
const bus = new MemoryBus({
  clock,
  bounds: () => ({ maxEvents: 100_000, maxAgeMs: 3_600_000, maxBytes: 2 ** 28 }),
});
const gateway = await createGateway({
  configuration,
  guards,
  bus,
  clock,
  random,
  log,
  metrics,
  pod: 'bench',
});
const listener = createClearListener(createProtocols(gateway.app), clock, 40_000);
const port = await listener.start({ host: '127.0.0.1', port: 0 });
const [key] = keys.privateKeys;
if (key === undefined) throw new Error('no key was made');
const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'bench' };
const mint = (expiresAtS: number): Promise<string> =>
  mintToken(key, { claims: { ...claims, exp: expiresAtS }, ttlSeconds: 0, now: clock.now() });
const token = await mint(Math.floor(clock.now() / 1000) + 3600);

serve(
  { kind: 'listening', port, path: '/events', token },
  {
    mint,
    publish: (data) => void bus.publish({ topic: topic('events'), data, receivedAt: clock.now() }),
  },
);
