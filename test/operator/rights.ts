import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../support/dev-process.ts';

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface Rights {
  readonly cluster: readonly PolicyRule[];
  readonly own: readonly PolicyRule[];
}

/** The operator's rights as docs/operator.md has them, each row a rule. */
export async function documentedRights(): Promise<Rights> {
  const text = await readFile(join(ROOT, 'docs', 'operator.md'), 'utf8');
  const [, table = ''] = text.split('\n## Rights\n');
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| group'))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const rules = rows.map(([, group = '', resource = '', verbs = '', where = '']) => {
    const [resources = '', named] = resource.split(' named ');
    return {
      where,
      rule: {
        apiGroups: [group === 'core' ? '' : unquoted(group)],
        resources: resources.split(', ').map(unquoted),
        verbs: verbs.split(', '),
        ...(named === undefined ? {} : { resourceNames: [unquoted(named)] }),
      },
    };
  });
  const of = (isOwn: boolean) =>
    rules.filter(({ where }) => where.startsWith('its') === isOwn).map(({ rule }) => rule);
  return { cluster: of(false), own: of(true) };
}

function unquoted(text: string): string {
  return text.replaceAll('`', '');
}
