import { type PositionedDocument, parseDocuments } from './documents.ts';
import { type Fault, type Path, pathText } from './fault.ts';
import {
  type EventGatewayDocument,
  type JwtGuardDocument,
  KINDS,
  type Kind,
  parseResource,
} from './resource.ts';

/** A document of a known kind and name, and where it stands; `document` is undefined when it has faults. */
export type Placed = PlacedGuard | PlacedGateway;
export type PlacedGuard = Place & {
  readonly kind: 'JwtGuard';
  readonly document: JwtGuardDocument | undefined;
};
export type PlacedGateway = Place & {
  readonly kind: 'EventGateway';
  readonly document: EventGatewayDocument | undefined;
};

interface Place {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly source: PositionedDocument;
}

/** What one file holds. */
export interface Contents {
  readonly placed: readonly Placed[];
  readonly faults: readonly Fault[];
  /** False when a document could not even be told apart: what seems to be missing may stand there. */
  readonly complete: boolean;
}

/** Every document of a text, each judged by itself. */
export function placeDocuments(text: string, file: string): Contents {
  const { documents, faults: syntaxFaults } = parseDocuments(text, file);
  const faults = [...syntaxFaults];
  const placed: Placed[] = [];
  let complete = syntaxFaults.length === 0;
  for (const source of documents) {
    const each = placeDocument(source);
    faults.push(...each.faults);
    if (each.placed === undefined) complete = false;
    else placed.push(each.placed);
  }
  return { placed, faults, complete };
}

/** One document, judged by itself; `placed` is undefined when it could not be told what it is. */
export function placeDocument(source: PositionedDocument): {
  readonly placed: Placed | undefined;
  readonly faults: readonly Fault[];
} {
  const found = parseResource(source.value);
  if (found.ok) {
    const { name, namespace } = found.value.document;
    return { placed: { name, namespace, source, ...found.value }, faults: [] };
  }
  const faults = found.violations.map(({ path, rule }) => faultAt(source, path, rule));
  return { placed: place(source), faults };
}

export function faultAt(source: PositionedDocument, path: Path, rule: string): Fault {
  return { file: source.file, line: source.lineOf(path), path: pathText(path), rule };
}

function place(source: PositionedDocument): Placed | undefined {
  const kind = KINDS.find((each) => each === field(source.value, 'kind'));
  const metadata = field(source.value, 'metadata');
  const name = field(metadata, 'name');
  const namespace = field(metadata, 'namespace');
  if (kind === undefined || typeof name !== 'string') return undefined;
  const where = { name, namespace: typeof namespace === 'string' ? namespace : undefined, source };
  return empty(kind, where);
}

function empty(kind: Kind, where: Place): Placed {
  return { ...where, kind, document: undefined };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}
