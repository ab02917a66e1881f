import type { EventGatewaySpec } from '../config/event-gateway.ts';

/** One path that serves streams, as configured. */
export type Route = EventGatewaySpec['streams'][number];

/** The configured paths; made anew with every configuration and swapped as a whole. */
export interface Routes {
  find(path: string): Route | undefined;
  /** Every guard that some path names, for answers that come on another path. */
  readonly guards: readonly string[];
  readonly origins: readonly string[];
}

export function createRoutes({ streams, cors }: Pick<EventGatewaySpec, 'streams' | 'cors'>): Routes {
  const byPath = new Map(streams.map((route) => [route.path, route]));
  return {
    find: (path) => byPath.get(path),
    guards: [...new Set(streams.flatMap(guardsOf))],
    origins: cors.origins,
  };
}

/** Names of the guards of a route; none on a public one. */
export function guardsOf(route: Route): readonly string[] {
  return (route.guardRefs ?? []).map(({ name }) => name);
}
