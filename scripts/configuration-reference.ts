import type * as z from 'zod';
import type { CelRule } from '../src/config/cel.ts';
import { GATEWAY_IN_CLUSTER, GUARD_IN_CLUSTER, type InCluster } from '../src/config/cluster-requirements.ts';
import { eventGatewaySpec } from '../src/config/event-gateway.ts';
import { jwtGuardSpec } from '../src/config/jwt-guard.ts';
import { type StructuralSchema, structural } from '../src/config/structural-schema.ts';

interface Row {
  /** From the spec, `streams[].path`. */
  readonly path: string;
  readonly node: StructuralSchema;
  readonly required: boolean;
  readonly requiredInCluster: boolean;
  /** What only a cluster asks for beside that. */
  readonly inCluster: readonly string[];
}

/** The text between `<!-- fields of KIND -->` and `<!-- end -->` is ours, everything around it is written by hand. */
const SECTION = /(<!-- fields of (\w+) -->\n)[\s\S]*?(<!-- end -->)/g;
/** A reference to a key is shorter than the words that would refer to it. */
const REPEATED_ROWS_MAX = 2;
const SPECS: Readonly<Record<string, { readonly spec: z.ZodType; readonly inCluster: InCluster }>> = {
  JwtGuard: { spec: jwtGuardSpec, inCluster: GUARD_IN_CLUSTER },
  EventGateway: { spec: eventGatewaySpec, inCluster: GATEWAY_IN_CLUSTER },
};

/** @param page `docs/configuration.md` as it is */
export function configurationReference(page: string): string {
  const kinds: string[] = [];
  const text = page.replaceAll(SECTION, (_all, begin: string, kind: string, end: string) => {
    kinds.push(kind);
    return `${begin}\n${fieldsOf(kind)}\n${end}`;
  });
  const missing = Object.keys(SPECS).filter((kind) => !kinds.includes(kind));
  if (missing.length > 0)
    throw new TypeError(`the page has no section for the fields of ${missing.join(', ')}`);
  return text;
}

/** One table for what stands at the top, and one for each group of fields. */
function fieldsOf(kind: string): string {
  const known = SPECS[kind];
  if (known === undefined) throw new TypeError(`there is no kind ${kind}`);
  const root = structural(known.spec);
  const groups = Object.entries(root.properties ?? {}).filter(([, node]) => isGroup(node));
  const top = rowsOf(root, '', known.inCluster).filter(({ node }) => !isGroup(node));
  const seen = new Map<string, string>();
  const tables = groups.map(([name, node]) => {
    const path = node.type === 'array' ? `${name}[]` : name;
    const rows = deepRows(node.items ?? node, path, known.inCluster, seen);
    return `### \`${kind}.spec.${name}\`\n\n${headOf(node, name, root, known.inCluster)}\n\n${table(rows)}`;
  });
  const first =
    top.length === 0 ? [] : [`### \`${kind}.spec\`\n\n${root.description ?? ''}\n\n${table(top)}`];
  return `${[...first, ...tables].join('\n')}`;
}

function headOf(node: StructuralSchema, name: string, root: StructuralSchema, inCluster: InCluster): string {
  const row = rowsOf(root, '', inCluster).find(({ path }) => path === name);
  const necessity = row === undefined ? '' : necessityOf(row);
  const rules = [...(necessity === '' ? [] : [necessity]), ...rulesOf(node)];
  const ruled = rules.length === 0 ? [] : [`${capital(rules.join('; '))}.`];
  return [...(node.description === undefined ? [] : [node.description]), ...ruled, ...clustered(row)].join(
    ' ',
  );
}

function clustered(row: Row | undefined): readonly string[] {
  return row === undefined || row.inCluster.length === 0
    ? []
    : [`In a cluster: ${row.inCluster.map((rule) => rule.replace(/ in a cluster$/, '')).join('; ')}.`];
}

/** Every field below; a group that has been listed before under another name is referred to. */
function deepRows(
  node: StructuralSchema,
  prefix: string,
  inCluster: InCluster,
  seen: Map<string, string>,
): readonly Row[] {
  return rowsOf(node, prefix, inCluster).flatMap((row) => {
    const inside = row.node.items ?? row.node;
    if (inside.properties === undefined) return [row];
    const key = JSON.stringify(inside);
    const earlier = seen.get(key);
    const path = row.node.items === undefined ? row.path : `${row.path}[]`;
    const rows = deepRows(inside, path, inCluster, seen);
    if (earlier !== undefined && rows.length > REPEATED_ROWS_MAX) {
      return [{ ...row, node: { ...row.node, description: `As \`${earlier}\`.` } }];
    }
    seen.set(key, row.path);
    return [row, ...rows];
  });
}

function rowsOf(node: StructuralSchema, prefix: string, inCluster: InCluster): readonly Row[] {
  return Object.entries(node.properties ?? {}).map(([name, field]) => ({
    path: prefix === '' ? name : `${prefix}.${name}`,
    node: field,
    required: node.required?.includes(name) === true,
    requiredInCluster: inCluster.get(prefix)?.required?.includes(name) === true,
    inCluster: (inCluster.get(prefix === '' ? name : `${prefix}.${name}`)?.rules ?? []).map(sentence),
  }));
}

function isGroup(node: StructuralSchema): boolean {
  return (node.items ?? node).properties !== undefined;
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(
    (row) => `| ${[`\`${row.path}\``, typeOf(row.node), defaultOf(row), meaningOf(row)].join(' | ')} |`,
  );
  return `| field | type | default | meaning and rules |\n|---|---|---|---|\n${lines.join('\n')}\n`;
}

function typeOf(node: StructuralSchema): string {
  if (node['x-kubernetes-int-or-string'] === true)
    return sentences(node).some((rule) => rule.includes('size')) ? 'size' : 'number or text';
  const choices = node['enum'];
  if (Array.isArray(choices)) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (node.type === 'array') return node.items === undefined ? 'list' : `list of ${inner(node.items)}`;
  if (node.type === 'object') return node.additionalProperties === undefined ? 'object' : 'map of strings';
  return sentences(node).some((rule) => rule.includes('a duration such as'))
    ? 'duration'
    : (node.type ?? 'any');
}

function inner(node: StructuralSchema): string {
  const type = typeOf(node);
  return type === 'object' ? 'objects' : type === 'string' ? 'strings' : type;
}

function defaultOf(row: Row): string {
  const fallback = row.node['default'];
  const necessity = necessityOf(row);
  if (necessity === 'required') return necessity;
  // What is inside an object has defaults of its own.
  const shown =
    fallback === undefined || (isGroup(row.node) && row.node.type === 'object')
      ? '–'
      : `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
  return necessity === '' ? shown : necessity;
}

function necessityOf({ required, requiredInCluster }: Row): string {
  if (required) return 'required';
  return requiredInCluster ? 'required in a cluster' : '';
}

function meaningOf(row: Row): string {
  const rules = rulesOf(row.node);
  const ruled = rules.length === 0 ? '' : `${capital(rules.join('; '))}.`;
  return cell([row.node.description ?? '', ruled, ...clustered(row)].filter((part) => part !== '').join(' '));
}

/** What a value must be, in the words in which `tidegate check` refuses it. */
function rulesOf(node: StructuralSchema): readonly string[] {
  const rules = [...bounds(node, node.type === 'array' ? 'entries' : 'characters'), ...sentences(node)];
  const entries =
    node.items === undefined || isGroup(node)
      ? []
      : [...bounds(node.items, 'characters'), ...sentences(node.items)].map((rule) => `each ${rule}`);
  // The type says this already.
  return [...rules, ...entries].filter((rule) => !/a duration such as|a size such as/.test(rule));
}

function bounds(node: StructuralSchema, unit: string): readonly string[] {
  const range = (least: unknown, most: unknown, what: string): readonly string[] => {
    const verb = what === '' ? 'be' : 'have';
    const [low, high] = [
      typeof least === 'number' ? least : undefined,
      typeof most === 'number' ? most : undefined,
    ];
    if (high === undefined)
      return low === undefined || low === 0 ? [] : [`must ${verb} at least ${grouped(low)}${what}`];
    return low === undefined || (low === 0 && what !== '')
      ? [`must ${verb} at most ${grouped(high)}${what}`]
      : [`must ${verb} ${grouped(low)} to ${grouped(high)}${what}`];
  };
  if (sentences(node).some((rule) => /a duration such as|a size such as/.test(rule))) return [];
  return [
    ...range(node['minimum'], node['maximum'], ''),
    ...range(node['minLength'], node['maxLength'], ` ${unit}`),
    ...range(node['minItems'], node['maxItems'], ` ${unit}`),
  ];
}

function sentences(node: StructuralSchema): readonly string[] {
  const rules: unknown = node['x-kubernetes-validations'];
  if (!Array.isArray(rules)) return [];
  const found = rules.map(sentence);
  return [...new Set(found)].map((message) =>
    message === 'is listed twice' ? 'must list nothing twice' : message,
  );
}

function sentence({ message, fieldPath }: CelRule): string {
  return fieldPath === undefined ? message : `\`${fieldPath.slice(1)}\` ${message}`;
}

function grouped(number: number): string {
  return number.toLocaleString('en-US');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** A bar would end the cell, even in back-quotes. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
