/**
 * Loaded before the program by `--import`, in a soak alone and with `--expose-gc`: says over the process's channel what
 * the process holds. It reads the private fields of the program's own objects through the inspector, so that the
 * program needs no door for it.
 */
import { Session } from 'node:inspector';
import { RedisControl } from '../../src/bus/redis-control.ts';
import { RedisLink } from '../../src/bus/redis-link.ts';
import { RedisPublisher } from '../../src/bus/redis-publisher.ts';
import { RedisRevocations } from '../../src/bus/redis-revocations.ts';
import { RedisSubscriber } from '../../src/bus/redis-subscriber.ts';
import { SharedReads } from '../../src/bus/shared-reads.ts';
import { DeadlineWheel } from '../../src/core/deadline-wheel.ts';
import { Guards } from '../../src/guard/guards.ts';
import { Revocations } from '../../src/guard/revocations.ts';
import { TokenCache } from '../../src/guard/token-cache.ts';
import { RateLimit } from '../../src/http/rate-limit.ts';
import { Connection } from '../../src/stream/connection.ts';
import { Farewell } from '../../src/stream/farewell.ts';
import { Lanes } from '../../src/stream/lanes.ts';
import { Ring } from '../../src/stream/ring.ts';
import { Sessions } from '../../src/stream/sessions.ts';

/** What keeps something for longer than a turn of the event loop. */
const KEEPERS = [
  ...[TokenCache, Guards, RateLimit, DeadlineWheel, Connection, Sessions, Lanes, Farewell, Ring],
  ...[RedisLink, RedisControl, RedisSubscriber, RedisPublisher, SharedReads],
  ...[Revocations, RedisRevocations],
];

const GROUP = 'probe';
/** As the inspector describes one: `Map(3)`. */
const COLLECTION = /^(?:Map|Set)\((\d+)\)$/;

const session = new Session();
session.connect();

process.on('message', () => {
  process.send?.(sample());
});
// A listener holds the process open, and a drained one has to end.
process.channel?.unref();

function sample(): object {
  const sizes = sizesOfKeepers();
  globalThis.gc?.();
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const resources: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) resources[type] = (resources[type] ?? 0) + 1;
  return { rss, heapUsed, external, arrayBuffers, resources, sizes };
}

/** How many there are of each class, and what is in their private maps and sets. */
function sizesOfKeepers(): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = {};
  const add = (key: string, count: number): void => {
    sizes[key] = (sizes[key] ?? 0) + count;
  };
  for (const { className = '', objectId } of keepersInHeap()) {
    add(className, 1);
    const { privateProperties = [] } = call('Runtime.getProperties', { objectId, ownProperties: true });
    for (const { name, value } of privateProperties) {
      const [, size] = COLLECTION.exec(value?.description ?? '') ?? [];
      if (size !== undefined) add(`${className}${name}`, Number(size));
      else if (name === '#size') add(`${className}${name}`, Number(value?.value));
    }
  }
  call('Runtime.releaseObjectGroup', { objectGroup: GROUP });
  return sizes;
}

/** By one walk through the heap for all classes: it takes a tenth of a second. */
function keepersInHeap(): readonly Remote[] {
  Reflect.set(globalThis, GROUP, KEEPERS);
  const of = (expression: string): Remote =>
    call('Runtime.evaluate', { expression, objectGroup: GROUP }).result;
  const { objects } = call('Runtime.queryObjects', {
    prototypeObjectId: of('Object.prototype').objectId,
    objectGroup: GROUP,
  });
  const { result } = call('Runtime.callFunctionOn', {
    objectId: objects.objectId,
    functionDeclaration: `function () { return this.filter((object) => ${GROUP}.includes(object.constructor)); }`,
    objectGroup: GROUP,
  });
  Reflect.deleteProperty(globalThis, GROUP);
  const { result: elements } = call('Runtime.getProperties', {
    objectId: result.objectId,
    ownProperties: true,
  });
  // A prototype has its class for constructor too.
  return elements.flatMap(({ name, value }) =>
    /^\d+$/.test(name) && value !== undefined && value.description !== 'Object' ? [value] : [],
  );
}

interface Remote {
  readonly className?: string;
  readonly objectId?: string;
  readonly description?: string;
  readonly value?: unknown;
}

interface Property {
  readonly name: string;
  readonly value?: Remote;
}

interface Reply {
  readonly result: Remote & readonly Property[];
  readonly objects: Remote;
  readonly privateProperties?: readonly Property[];
}

/** On the same thread the inspector answers before `post` returns. */
function call(method: string, parameters: object): Reply {
  let reply: { error: Error | null; result: unknown } | undefined;
  session.post(method, parameters, (error, result) => {
    reply = { error, result };
  });
  if (reply === undefined) throw new Error(`${method}: no answer`);
  if (reply.error !== null) throw reply.error;
  return reply.result as Reply;
}
