import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { without } from '../e2e/commands.ts';
import { ROOT } from '../support/dev-process.ts';
import { folderOf, traces } from '../support/node-traces.ts';
import { line, parseReadme } from '../support/readme.ts';
import { within } from '../support/redis/within.ts';
import { leftOf } from './leftovers.ts';
import { noRig, Rig } from './rig.ts';

/** What the guide offers that needs a container runtime and kind, or is this very run. */
const ELSEWHERE = /^docker |^kind |^npm test|^TIDEGATE_TEST_CLUSTER=1 /;
const QUIET = '-o jsonpath';

/** The guide's own command lines, as they stand there: the images have the names that the chart asks for. */
describe('docs/kubernetes.md', { skip: noRig || without('curl'), timeout: 900_000 }, () => {
  const done = new Set<string>();
  let guide: ReturnType<typeof parseReadme>;
  let rig: Rig;
  let folder = '';

  /** The command that has this in it. */
  const command = (part: string): string => {
    const found = line(guide, part);
    done.add(found);
    return found;
  };
  const sh = (part: string, more = ''): Promise<string> => rig.sh(command(part) + more);
  const start = (part: string) => rig.start(command(part));
  const get = (what: string, path: string): Promise<string> =>
    rig.sh(`kubectl -n tidegate get ${what} ${QUIET}='${path}'`);

  before(
    async () => {
      guide = parseReadme(await readFile(join(ROOT, 'docs', 'kubernetes.md'), 'utf8'));
      rig = await Rig.start();
      folder = folderOf(rig.node);
    },
    { timeout: 900_000 },
  );
  after(() => rig?.[Symbol.asyncDispose]());

  it('installs with Helm, listens, publishes, and changes who may listen', async () => {
    assert.match(await sh('helm install'), /^STATUS: deployed$/m);
    await sh('wait --for=condition=Ready --timeout=2m eventgateway/tidegate');

    const toGateway = start('port-forward service/tidegate-gateway');
    const toIngest = start('port-forward service/tidegate-ingest');
    await toGateway.until(/Forwarding from 127/);
    await toIngest.until(/Forwarding from 127/);
    const listening = start('curl -N');
    await listening.until(/^id:/m, 30_000);
    const { id, ref } = JSON.parse(await sh('/publish'));
    assert.equal(ref, '1');
    await listening.until(new RegExp(`^id:${id}\ndata:hello\n\n`, 'm'));

    await sh('guard.spec.audiences');
    await sh('condition=Enforced');
    await listening.until(/^event:end\ndata:\{"reason":"guard_changed","reconnect":false\}\n\n/m);
    assert.equal(await listening.ended, 0);
    const observed = '{.status.conditions[?(@.type=="Enforced")].observedGeneration}';
    const [enforced, generation] = (
      await get('jwtguard/example', `${observed} {.metadata.generation}`)
    ).split(' ');
    assert.equal(enforced, generation);
    for (const each of [toGateway, toIngest]) each.child.kill('SIGTERM');
  });

  it('is asked whether all is well', async () => {
    assert.match(await sh('get eventgateways,jwtguards'), /tidegate\s+True\s+True/);
    assert.match(await sh('helm test'), /^Phase:\s+Succeeded$/m);
  });

  it('upgrades: definitions, a changed value, another version', async () => {
    await sh('-f manifests/crds.yaml');
    await sh(
      'helm upgrade tidegate helm/tidegate --namespace tidegate --reset-then-reuse-values',
      ' --set gateway.spec.gateway.replicas=3',
    );
    await within(60_000, async () => {
      assert.equal(await get('deployment/tidegate-gateway', '{.status.readyReplicas}'), '3');
    });
    const before = await get('pods -l tidegate.dev/gateway=tidegate', '{.items[*].metadata.uid}');
    await sh('--set image.tag=0.1.1');
    await within(120_000, async () => {
      const fields =
        '{.spec.template.spec.containers[0].image} {.status.updatedReplicas} {.status.readyReplicas} {.status.unavailableReplicas}';
      assert.equal(await get('deployment/tidegate-gateway', fields), 'tidegate:0.1.1 3 3 ');
      assert.equal(await get('deployment/tidegate-ingest', fields), 'tidegate:0.1.1 2 2 ');
    });
    const uids = await get(
      'pods -l tidegate.dev/gateway=tidegate --field-selector=status.phase=Running',
      '{.items[*].metadata.uid}',
    );
    assert.notEqual(uids, before);
    assert.match(await sh('helm test'), /^Phase:\s+Succeeded$/m);
  });

  it('has another gateway in another namespace, by Helm 3', async () => {
    const keys = '--set-file guard.keys=.tidegate/secrets/dev-keys/jwks.json';
    const install = `helm3 install second helm/tidegate --namespace second --create-namespace --set operator.enabled=false ${keys}`;
    await rig.sh(`${install} --dry-run=server`);
    await rig.sh(install);
    await rig.sh('kubectl -n second wait --for=condition=Ready --timeout=2m eventgateway/second-tidegate');
    assert.match(await rig.sh('helm3 test second --namespace second'), /^Phase:\s+Succeeded$/m);
    await rig.sh('helm3 uninstall second --namespace second --wait');
    await within(90_000, async () => assert.deepEqual(await leftOf(rig, 'second', 'second'), []));
  });

  it('uninstalls, and nothing stays but what it says', async () => {
    assert.notDeepEqual(await leftOf(rig, 'tidegate', 'tidegate'), []);
    await sh('helm uninstall');
    await within(120_000, async () => assert.deepEqual(await leftOf(rig, 'tidegate', 'tidegate'), []));
    assert.match(await rig.sh('kubectl get crds -o name'), /eventgateways\.tidegate\.dev/);
    await sh('delete crd');
    assert.doesNotMatch(await rig.sh('kubectl get crds -o name'), /tidegate/);
  });

  it('does with kubectl alone', async () => {
    await sh('-f manifests/install.yaml');
    await sh('condition=Established');
    await sh('create configmap events-keys');
    await sh('apply -f manifests/samples/');
    await sh('wait --for=condition=Ready --timeout=2m eventgateway/events');
    await sh('delete -f manifests/samples/');
    await sh('delete -f manifests/install.yaml');
    await within(120_000, async () => {
      assert.doesNotMatch(
        await rig.sh('kubectl get crds,namespaces -o name'),
        /tidegate\.dev|tidegate-system/,
      );
      assert.deepEqual(await leftOf(rig, 'default', 'events'), []);
    });
  });

  it('has no other command', () => {
    const commands = guide.commands.flatMap((block) => block.split('\n'));
    assert.deepEqual(
      commands.filter((each) => !done.has(each) && !ELSEWHERE.test(each)),
      [],
    );
  });

  it('leaves nothing on this machine', async () => {
    await rig[Symbol.asyncDispose]();
    assert.deepEqual(traces(folder), { mounts: [], groups: [] });
  });
});
