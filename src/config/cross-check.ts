import * as z from 'zod';
import type { Fault } from './fault.ts';
import { didYouMean } from './nearest.ts';
import { faultAt, type Placed, type PlacedGateway, type PlacedGuard } from './placed.ts';

/**
 * The rules that hold between documents, of one file or of several.
 *
 * @param complete whether every document could be told apart; otherwise nothing is said to be missing
 */
export function crossCheck(placed: readonly Placed[], complete: boolean): readonly Fault[] {
  const faults = duplicates(placed);
  const gateways = placed.filter((each) => each.kind === 'EventGateway');
  const guards = placed.filter((each) => each.kind === 'JwtGuard');
  for (const gateway of gateways) {
    const near = guards.filter(({ namespace }) => namespace === gateway.namespace);
    faults.push(...streamFaults(gateway, near, complete), ...cookieFaults(gateway, near));
  }
  return faults;
}

function duplicates(placed: readonly Placed[]): Fault[] {
  const first = new Map<string, Placed>();
  const faults: Fault[] = [];
  for (const each of placed) {
    const key = JSON.stringify([each.kind, each.namespace, each.name]);
    const earlier = first.get(key);
    if (earlier === undefined) {
      first.set(key, each);
      continue;
    }
    const where = `${earlier.source.file}:${earlier.source.lineOf(['metadata', 'name'])}`;
    faults.push(
      faultAt(each.source, ['metadata', 'name'], `${each.kind} "${each.name}" is already at ${where}`),
    );
  }
  return faults;
}

function streamFaults(gateway: PlacedGateway, guards: readonly PlacedGuard[], complete: boolean): Fault[] {
  const faults: Fault[] = [];
  const byName = new Map(guards.map((guard) => [guard.name, guard]));
  for (const [index, stream] of streamsOf(gateway).entries()) {
    const byIssuer = new Map<string, string>();
    for (const [position, { name }] of stream.guardRefs.entries()) {
      const path = ['spec', 'streams', index, 'guardRefs', position, 'name'];
      const guard = byName.get(name);
      if (guard === undefined) {
        const where = gateway.namespace === undefined ? '' : ` in namespace "${gateway.namespace}"`;
        const rule = `there is no JwtGuard "${name}"${where}${didYouMean(name, byName.keys())}`;
        if (complete) faults.push(faultAt(gateway.source, path, rule));
        continue;
      }
      if (guard.document === undefined) continue;
      const { issuer } = guard.document.spec;
      const earlier = byIssuer.get(issuer);
      if (earlier === undefined) byIssuer.set(issuer, name);
      else {
        const rule = `has the same issuer as "${earlier}", but the guards of a stream are told apart by issuer`;
        faults.push(faultAt(gateway.source, path, rule));
      }
    }
  }
  return faults;
}

/** Read from the text as far as it is legible, so that a fault elsewhere in the document hides none of these. */
function streamsOf({ source }: PlacedGateway): z.output<typeof legibleStreams> {
  const found = z.object({ spec: z.object({ streams: legibleStreams }) }).safeParse(source.value);
  return found.success ? found.data.spec.streams : [];
}

const legibleGuardRefs = z.array(z.object({ name: z.string() })).catch([]);
const legibleStreams = z.array(z.object({ guardRefs: legibleGuardRefs }).catch({ guardRefs: [] }));

/** A page of any origin could otherwise read streams with its visitor's cookie (Fetch standard, section 3.3.5). */
function cookieFaults(gateway: PlacedGateway, guards: readonly PlacedGuard[]): Fault[] {
  if (!gateway.document?.spec.cors.origins.includes('*')) return [];
  const used = new Set(
    gateway.document.spec.streams.flatMap(({ guardRefs }) => guardRefs.map(({ name }) => name)),
  );
  return guards
    .filter(({ name, document }) => used.has(name) && document?.spec.credentials.cookie !== undefined)
    .map(({ name }) => {
      const rule = `must list origins instead of "*", since JwtGuard "${name}" accepts a cookie`;
      return faultAt(gateway.source, ['spec', 'cors', 'origins'], rule);
    });
}
