import type { Rig } from './rig.ts';

/** What every namespace has of its own, and what only tells of the past. */
const NEVER_OURS = /^(?:configmap\/kube-root-ca\.crt|serviceaccount\/default|event(?:\.events\.k8s\.io)?\/)/;
/** Of the guide's reader. */
const MADE_BY_HAND = 'configmap/events-keys';

/** Everything that is left of a release: in its namespace of whatever kind and label, and by its labels in the cluster. */
export async function leftOf(rig: Rig, namespace: string, release: string): Promise<readonly string[]> {
  const kinds = async (namespaced: boolean): Promise<string> => {
    const printed = await rig.sh(`kubectl api-resources --verbs=list --namespaced=${namespaced} -o name`);
    return printed.trim().split('\n').join(',');
  };
  const list = async (rest: string): Promise<readonly string[]> =>
    (await rig.sh(`kubectl get --ignore-not-found -o name ${rest}`))
      .split('\n')
      .filter((name) => name !== '');
  const label = `app.kubernetes.io/instance=${release}`;
  const inside = await list(
    `-n ${namespace} ${await kinds(true)}${namespace === 'default' ? ` -l ${label}` : ''}`,
  );
  const outside = await list(`${await kinds(false)} -l ${label}`);
  return [...inside, ...outside].filter((name) => !NEVER_OURS.test(name) && name !== MADE_BY_HAND);
}
