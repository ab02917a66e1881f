import { isDeepStrictEqual } from 'node:util';
import type { Configuration } from './configuration.ts';
import type { EventGatewayDocument, JwtGuardDocument } from './resource.ts';

type AnyDocument = EventGatewayDocument | JwtGuardDocument;

/**
 * Numbers what a file has just said, as an API server would: a document that says something else than before gets the
 * next generation. One that is new, or comes back, starts after all that were ever given out, so that no
 * `(uid, generation)` ever stands for two specs: verified tokens are remembered by that pair.
 *
 * @param highest the highest generation given out so far; at a file's first load there is no `before` and all are 1
 */
export function withGenerations(
  now: Configuration,
  before: Configuration | undefined,
  highest: number,
): Configuration {
  if (before === undefined) return now;
  const guards = [...now.guards].map(
    ([name, guard]) => [name, numbered(guard, before.guards.get(name), highest)] as const,
  );
  return { gateway: numbered(now.gateway, before.gateway, highest), guards: new Map(guards) };
}

export function highestGeneration({ gateway, guards }: Configuration): number {
  return Math.max(gateway.generation, ...[...guards.values()].map(({ generation }) => generation));
}

function numbered<D extends AnyDocument>(now: D, before: D | undefined, highest: number): D {
  if (before?.uid !== now.uid || before.name !== now.name) return { ...now, generation: highest + 1 };
  const same = isDeepStrictEqual(now.spec, before.spec);
  return { ...now, generation: same ? before.generation : before.generation + 1 };
}
