import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { type Fault, NAME_CHARACTERS_MAX, type Path, pathText } from './fault.ts';

/** A gateway has at most 64 streams with 8 guards each; a file of more documents than this is something else. */
const DOCUMENTS_MAX = 1_000;
/** The deepest field is some ten levels down; deeper input is an attack on the stack. */
const DEPTH_MAX = 32;
/** An alias bomb needs many aliases of aliases; a person writes a few. */
const ALIASES_MAX = 100;

/** A YAML document as a plain value, that still knows where each part of it was written. */
export interface PositionedDocument {
  readonly file: string;
  readonly value: unknown;
  /** The line in the file of the part at `path`, or of the nearest part around it that is there. */
  lineOf(path: Path): number;
}

/**
 * The documents of a YAML 1.2 text, empty ones left out. Never throws: whatever is wrong with the text is a fault,
 * at most one of syntax for each document, since the rest would only follow from it.
 */
export function parseDocuments(
  text: string,
  file: string,
): { readonly documents: readonly PositionedDocument[]; readonly faults: readonly Fault[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    resolveKnownTags: false,
    stringKeys: true,
    // Theirs compares every key of a mapping with every other; ours is linear.
    uniqueKeys: false,
  });
  if (parsed.length > DOCUMENTS_MAX) {
    return {
      documents: [],
      faults: [{ file, path: '', rule: `must hold at most ${DOCUMENTS_MAX} documents` }],
    };
  }
  const read = parsed.map((document) => readDocument(document, file, lines));
  return {
    documents: read.flatMap(({ document }) => (document?.value == null ? [] : [document])),
    faults: read.flatMap(({ faults }) => faults),
  };
}

interface ReadDocument {
  readonly document?: PositionedDocument;
  readonly faults: readonly Fault[];
}

function readDocument(document: Document.Parsed, file: string, lines: LineCounter): ReadDocument {
  const lineAt = (node: unknown) => lines.linePos(isNode(node) ? (node.range?.[0] ?? 0) : 0).line;
  const wrong = document.errors[0] ?? document.warnings[0];
  if (wrong !== undefined) {
    const rule = wrong.code === 'RESOURCE_EXHAUSTION' ? TOO_DEEP : `is not valid YAML: ${wrong.message}`;
    return { faults: [{ file, line: lines.linePos(wrong.pos[0]).line, path: '', rule }] };
  }
  const positions = new Map([['', lineAt(document.contents)]]);
  const faults: Fault[] = [];
  collect(document.contents, [], (path, node, rule) => {
    const line = lineAt(node);
    if (rule === undefined) positions.set(pathText(path), line);
    else faults.push({ file, line, path: pathText(path), rule });
  });
  // A field that stands twice is a fault, and the rest of the document can still be judged.
  if (faults.some(({ rule }) => rule === TOO_DEEP)) return { faults };
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX });
    return { document: { file, value, lineOf: (path) => nearestLine(positions, path) }, faults };
  } catch {
    // Unresolved and excessive aliases are all that is left to throw.
    return { faults: [...faults, { file, line: lineAt(document.contents), path: '', rule: BAD_ALIASES }] };
  }
}

const TOO_DEEP = `is nested deeper than ${DEPTH_MAX} levels`;
const BAD_ALIASES = `must hold only aliases of anchors before them, standing for at most ${ALIASES_MAX} parts`;

/** Calls `found` with every part of the document, and with a rule when the part breaks one. */
function collect(node: unknown, path: Path, found: (path: Path, node: unknown, rule?: string) => void): void {
  if (!isMap(node) && !isSeq(node)) return;
  if (path.length >= DEPTH_MAX) return found([], node, TOO_DEEP);
  if (isSeq(node)) {
    for (const [index, entry] of node.items.entries()) {
      found([...path, index], entry);
      collect(entry, [...path, index], found);
    }
    return;
  }
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const quoted = JSON.stringify(name.slice(0, NAME_CHARACTERS_MAX));
    found([...path, name], key, seen.has(name) ? `duplicate field ${quoted}` : undefined);
    seen.add(name);
    collect(value, [...path, name], found);
  }
}

/** Of a part that is not there, or stands behind an alias, the line of the nearest part around it. */
function nearestLine(positions: ReadonlyMap<string, number>, path: Path): number {
  const line = positions.get(pathText(path));
  return line ?? (path.length === 0 ? 1 : nearestLine(positions, path.slice(0, -1)));
}
