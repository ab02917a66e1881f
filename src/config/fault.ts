/** One thing that is wrong with a configuration file, told so that a person can find and mend it. */
export interface Fault {
  /** As the user named it. */
  readonly file: string;
  /** Counted from 1 in the whole file, whatever its number of documents. */
  readonly line?: number;
  /** Such as `spec.streams[0].path`; empty when the fault is not in one field. */
  readonly path: string;
  /** What must be, in lower case, without a full stop. Names fields; never holds the value of one that may be secret. */
  readonly rule: string;
}

export type Path = readonly PropertyKey[];

/** More than this helps nobody, and a hostile megabyte could hold a hundred thousand. */
export const FAULTS_MAX = 100;

/** `examples/local.yaml:14 spec.challenge.leadTime: must be a duration such as 10s` */
export function faultText({ file, line, path, rule }: Fault): string {
  return `${file}${line === undefined ? '' : `:${line}`}${path === '' ? '' : ` ${path}`}: ${rule}`;
}

/** `spec.streams[0].path`; a name that is not a plain word is quoted, as in `metadata.labels["a/b"]`. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (PLAIN_NAME.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`;
    else text += `[${JSON.stringify(String(step).slice(0, NAME_CHARACTERS_MAX))}]`;
  }
  return text;
}

/** In the order of the files as given, then of lines, faults of a whole file last; of one line, as found. */
export function sortFaults(faults: readonly Fault[], files: readonly string[]): readonly Fault[] {
  const sorted = faults.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || lineOrLast(a) - lineOrLast(b),
  );
  const last = sorted[FAULTS_MAX];
  if (last === undefined) return sorted;
  const rest: Fault = { file: last.file, path: '', rule: `and ${sorted.length - FAULTS_MAX} more faults` };
  return [...sorted.slice(0, FAULTS_MAX), rest];
}

function lineOrLast({ line = Number.MAX_SAFE_INTEGER }: Fault): number {
  return line;
}

const PLAIN_NAME = /^[A-Za-z_][\w-]{0,63}$/;
export const NAME_CHARACTERS_MAX = 64;
