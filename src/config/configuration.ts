import { crossCheck } from './cross-check.ts';
import { type Fault, sortFaults } from './fault.ts';
import { type Contents, faultAt, type Placed, placeDocuments } from './placed.ts';
import type { EventGatewayDocument, JwtGuardDocument } from './resource.ts';

/** All that a running gateway goes by. Immutable; a change makes another. */
export interface Configuration {
  readonly gateway: EventGatewayDocument;
  /** By name: the guards of the gateway's namespace, used by a stream or not. */
  readonly guards: ReadonlyMap<string, JwtGuardDocument>;
}

export type ParsedConfiguration =
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * Reads the configuration of one gateway: exactly one EventGateway and any number of JwtGuards.
 *
 * @param file how the user names it, for the faults
 * @returns all faults of the file, by line, or the configuration with every generation 1; never throws
 */
export function parseConfiguration(text: string, file: string): ParsedConfiguration {
  const contents = placeDocuments(text, file);
  const faults = [
    ...contents.faults,
    ...crossCheck(contents.placed, contents.complete),
    ...gatewayFaults(contents, file),
  ];
  const gateway = contents.placed.find((each) => each.kind === 'EventGateway')?.document;
  if (faults.length > 0 || gateway === undefined) return { ok: false, faults: sortFaults(faults, [file]) };
  return { ok: true, configuration: { gateway, guards: guardsBeside(gateway, contents.placed) } };
}

function gatewayFaults({ placed, complete }: Contents, file: string): readonly Fault[] {
  const [first, ...more] = placed.filter((each) => each.kind === 'EventGateway');
  if (first === undefined) {
    return complete ? [{ file, path: '', rule: 'must hold exactly one EventGateway, but has none' }] : [];
  }
  const rule = `must be the only EventGateway, but the first is at line ${first.source.lineOf([])}`;
  return more.map(({ source }) => faultAt(source, ['kind'], rule));
}

function guardsBeside(
  { namespace }: EventGatewayDocument,
  placed: readonly Placed[],
): ReadonlyMap<string, JwtGuardDocument> {
  const guards = new Map<string, JwtGuardDocument>();
  for (const each of placed) {
    if (each.kind !== 'JwtGuard' || each.document === undefined || each.namespace !== namespace) continue;
    guards.set(each.name, each.document);
  }
  return guards;
}
