import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..');

/** A room of `src/` and the rooms it may import from; whatever is missing here is forbidden. */
const IMPORTS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  guard: ['core', 'config'],
  stream: ['core'],
  bus: ['core'],
  kube: ['core'],
  ingest: ['core', 'bus'],
  listen: ['core'],
  http: ['core', 'guard', 'stream', 'config', 'bus'],
  operator: ['core', 'kube', 'config'],
  metrics: ['core', 'config', 'guard', 'stream', 'bus', 'ingest', 'http', 'kube', 'operator'],
  dev: ['core', 'guard'],
  telemetry: ['core', 'guard', 'http', 'operator'],
  roles: [
    'core',
    'config',
    'guard',
    'stream',
    'bus',
    'ingest',
    'listen',
    'http',
    'kube',
    'operator',
    'metrics',
    'dev',
    'telemetry',
  ],
};

/** From these rooms only types may be taken: the importer must not come to depend on how they work. */
const TYPES_ONLY: ReadonlySet<string> = new Set([
  'http>config',
  'http>bus',
  'ingest>bus/bus.ts',
  'metrics>config',
  'metrics>guard',
  'metrics>stream',
  'metrics>bus',
  'metrics>ingest',
  'metrics>http',
  'metrics>kube',
  'metrics>operator',
  'telemetry>guard',
  'telemetry>http',
  'telemetry>operator',
]);

/** Tables of constants among what may otherwise only be imported as types. */
const VALUES: ReadonlySet<string> = new Set([
  'metrics>guard/key-set-error.ts',
  'metrics>http/refusal.ts',
  'metrics>stream/close-reason.ts',
]);

/** Every third-party package has one room. */
const PACKAGES: Readonly<Record<string, string>> = {
  jose: 'guard',
  koa: 'http',
  'prom-client': 'metrics',
  ioredis: 'bus',
  zod: 'config',
  yaml: 'config',
  'eventsource-parser': 'listen',
  selfsigned: 'dev',
  '@kubernetes/client-node': 'operator',
  '@opentelemetry/api': 'telemetry',
  '@opentelemetry/core': 'telemetry',
  '@opentelemetry/exporter-trace-otlp-http': 'telemetry',
  '@opentelemetry/resources': 'telemetry',
  '@opentelemetry/sdk-trace': 'telemetry',
};

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly except?: readonly string[];
}

const BANS: readonly Ban[] = [
  {
    pattern: /\bprocess\.(env|argv|exit)\b/,
    instead: 'take it by parameter; only cli.ts sees the process',
    except: ['src/cli.ts'],
  },
  {
    pattern: /(?<!\.)\b(setTimeout|setInterval)\b|\b(Date|performance)\.now\b/,
    instead: 'Clock of core/clock.ts',
    except: ['src/core/clock.ts', 'src/page/page.js'],
  },
  { pattern: /\bMath\.random\b(?!\W*[,;)}])/, instead: 'Random of core/random.ts, passed in' },
  { pattern: /\bconsole\./, instead: 'Log or Terminal' },
  { pattern: /: any\b|<any>|\bas any\b/, instead: 'unknown, and a guard' },
  {
    pattern: /\bas (?!const\b|never\b)[A-Z{]/,
    instead: 'a guard; only the brand constructors assert a type',
    except: ['src/core/brand.ts', 'src/core/event-id.ts', 'src/stream/authorisation.ts'],
  },
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/, instead: 'do it, or an issue' },
  {
    pattern: /catch\s*(\([^)]*\))?\s*\{\s*\}/,
    instead: 'handle it, or say in a comment why nothing is to be done',
  },
];

const LINES_MAX = 250;

const files = sources(join(ROOT, 'src'));

describe('src', () => {
  it('is found', () => assert.ok(files.length > 50));

  for (const file of files) {
    const text = readFileSync(join(ROOT, file), 'utf8');
    it(`${file} is tidy`, () => {
      const faults = [...importFaults(file, text), ...banFaults(file, text), ...nameFaults(file, text)];
      assert.deepEqual(faults, []);
    });
  }

  it('has no import cycle', () => assert.deepEqual(cycle(), []));
});

function importFaults(file: string, text: string): readonly string[] {
  const room = roomOf(file);
  if (room === undefined) return [];
  return importsOf(text).flatMap(({ specifier, typeOnly }) => {
    if (specifier.startsWith('node:')) return [];
    if (!specifier.startsWith('.')) {
      const owner = PACKAGES[specifier];
      return owner === room
        ? []
        : [`${specifier} belongs to ${owner ?? 'no room yet: give it one'}, not to ${room}`];
    }
    const target = posix.join(posix.dirname(file), specifier);
    const other = roomOf(target);
    if (other === undefined || other === room) return [];
    if (!(IMPORTS[room] ?? []).includes(other)) return [`${room} may not import ${other} (${specifier})`];
    const edge = `${room}>${target.slice('src/'.length)}`;
    const needsType = (TYPES_ONLY.has(`${room}>${other}`) || TYPES_ONLY.has(edge)) && !VALUES.has(edge);
    return needsType && !typeOnly ? [`${room} may import only types of ${other} (${specifier})`] : [];
  });
}

/** Comments, strings, templates and the names of imports: only what runs is looked at. */
const NOT_CODE =
  /\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|^import [^;]*/gm;

function banFaults(file: string, text: string): readonly string[] {
  const code = text.replace(NOT_CODE, (quiet) => quiet.replace(/[^\n]/g, ' '));
  return code
    .split('\n')
    .flatMap((line, index) =>
      BANS.filter(({ pattern, except }) => except?.includes(file) !== true && pattern.test(line)).map(
        ({ pattern, instead }) => `line ${index + 1}: ${pattern.source} is banned: ${instead}`,
      ),
    );
}

function nameFaults(file: string, text: string): readonly string[] {
  const name = posix.basename(file);
  const lines = text.split('\n').length - 1;
  return [
    ...(/^[a-z0-9]+(-[a-z0-9]+)*\.(ts|js|lua)$/.test(name) ? [] : ['its name is not kebab-case']),
    ...(/\b(utils?|helpers?|manager|handler|processor|common|misc)\b/.test(name)
      ? ['its name says nothing']
      : []),
    ...(lines > LINES_MAX ? [`${lines} lines hide two nouns, ${LINES_MAX} are enough`] : []),
  ];
}

function cycle(): readonly string[] {
  const edges = new Map(
    files.map((file) => [
      file,
      importsOf(readFileSync(join(ROOT, file), 'utf8'))
        .filter(({ specifier, typeOnly }) => specifier.startsWith('.') && !typeOnly)
        .map(({ specifier }) => posix.join(posix.dirname(file), specifier)),
    ]),
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found.length > 0) return found;
    }
    done.add(file);
    return [];
  };
  for (const file of files) {
    const found = visit(file, []);
    if (found.length > 0) return found;
  }
  return [];
}

function importsOf(text: string): readonly { specifier: string; typeOnly: boolean }[] {
  return Array.from(
    text.matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'/gm),
    ([statement, type, specifier]) => ({
      specifier: specifier ?? '',
      typeOnly: type !== undefined || /\{\s*(type [^,}]+,?\s*)+\}/.test(statement),
    }),
  );
}

function roomOf(file: string): string | undefined {
  return /^src\/([^/]+)\/.+/.exec(file)?.[1];
}

function sources(directory: string): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .toSorted();
}
