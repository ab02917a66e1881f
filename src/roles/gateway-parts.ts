import type { Subscriber } from '../bus/bus.ts';
import type { Control } from '../bus/control.ts';
import type { RevocationStore } from '../bus/revocation-store.ts';
import type { Configuration } from '../config/configuration.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Random } from '../core/random.ts';
import type { Guards } from '../guard/guards.ts';
import { type AppParts, createApp } from '../http/app.ts';
import { cutRevoked } from '../http/cut-revoked.ts';
import type { HttpObserver } from '../http/observer.ts';
import { LocalOwner } from '../http/owner.ts';
import { createRoutes } from '../http/routes.ts';
import { holderName, SharedOwner } from '../http/shared-owner.ts';
import type { HttpTracer } from '../http/tracer.ts';
import { AccessLog } from '../stream/access-log.ts';
import { Hub } from '../stream/hub.ts';
import type { StreamObserver } from '../stream/observer.ts';
import { accessLogSettings } from './access-log-settings.ts';
import { streamSettings } from './stream-settings.ts';

export interface GatewayContext {
  readonly configuration: Configuration;
  readonly guards: Guards;
  readonly bus: Subscriber;
  readonly revocations: RevocationStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: { readonly stream: StreamObserver; readonly http: HttpObserver };
  readonly pod: string;
  /** Absent: there is no other process that could hold streams. */
  readonly control?: Control;
  readonly pages?: AppParts['pages'];
  /** Absent: nothing is traced. */
  readonly tracer?: HttpTracer | undefined;
  /** Where references resolve to; absent: they can't be read. */
  readonly secretsDir?: string | undefined;
}

/** The stream server without its listeners: events in from the bus, an app for requests, swapped configuration. */
export async function createGateway({ configuration, guards, bus, metrics, ...context }: GatewayContext) {
  const { clock, control, log, pages, pod, random, secretsDir, tracer } = context;
  let routes = createRoutes(configuration.gateway.spec);
  let settings = streamSettings(configuration.gateway.spec);
  let current = configuration;
  let access = await accessLogSettings(configuration.gateway.spec, secretsDir, log);
  const accessLog = new AccessLog({ log, clock, settings: () => access });
  const hub = new Hub({
    clock,
    random,
    pod,
    observer: metrics.stream,
    history: bus,
    settings: () => settings,
    onEnded: (reason, stream) => accessLog.ended(reason, stream),
    ...(control === undefined
      ? {}
      : { holds: (guard, subject, held) => control.hold(holderName(guard, subject), held) }),
  });
  const local = new LocalOwner(hub);
  guards.onChange(() => void hub.review());
  cutRevoked(guards.revocations, hub, clock);
  // Before anybody can come in: a pod that does not have them all lets in whom others have cut.
  await context.revocations.follow(guards.revocations);
  const { maxEvents } = configuration.gateway.spec.replay;
  const warm = { eventsMax: maxEvents, bytesMax: configuration.gateway.spec.limits.ringBytes };
  const following = await bus.follow(hub, warm);
  const app = createApp({
    guards,
    hub,
    owner: control === undefined ? local : new SharedOwner(local, control),
    observer: metrics.http,
    routes: () => routes,
    ready: () => true,
    clock,
    random,
    log,
    ...(pages === undefined ? {} : { pages }),
    tracer,
  });
  /** By uid: a guard that was deleted and made again counts its generations anew. */
  const enforced = new Map<string, number>();
  const enforce = async ({ guards: documents }: Configuration): Promise<void> => {
    await guards.apply(documents);
    await hub.review();
    // A later change may have been quicker, as when this one had to wait for keys.
    for (const { uid, generation } of documents.values()) {
      enforced.set(uid, Math.max(generation, enforced.get(uid) ?? 0));
    }
    const there = new Set(guards.status().map(({ name }) => guards.get(name)?.uid));
    for (const uid of enforced.keys()) if (!there.has(uid)) enforced.delete(uid);
  };
  await enforce(configuration);
  return {
    app,
    hub,
    /** The generation of a guard that every open stream has been judged by; it is told only after its cuts. */
    enforcedGeneration: (uid: string): number | undefined => enforced.get(uid),
    /** Everything that the next configuration says, at once; running streams are judged again. */
    apply(next: Configuration): void {
      routes = createRoutes(next.gateway.spec);
      settings = streamSettings(next.gateway.spec);
      current = next;
      void accessLogSettings(next.gateway.spec, secretsDir, log).then((read) => {
        if (current === next) access = read;
      });
      void hub.review();
      void enforce(next);
    },
    async stop(graceMs: number): Promise<void> {
      await hub.stop(graceMs);
      accessLog.flush();
      following.stop();
    },
  };
}

export type Gateway = Awaited<ReturnType<typeof createGateway>>;
