import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../support/dev-process.ts';
import { kubeScore, noKubeScore } from './kube-score.ts';

/** What kube-score would have otherwise, and why it is not. */
const EXCEPTIONS: readonly { readonly finding: RegExp; readonly why: string }[] = [
  {
    finding: /^CRITICAL \w+ \S+: CPU limit is not set$/,
    why: 'a limit on CPU only slows a process down that could go on; requests say who comes first',
  },
  {
    finding: /^CRITICAL \w+ \S+: ImagePullPolicy is not set to Always$/,
    why: 'a tag is never given twice, and a registry that is away must not keep a pod from starting',
  },
  {
    finding: /^WARNING Deployment \S+: The pod does not have a matching egress NetworkPolicy$/,
    why: 'where the API server and the gateways are is known to the cluster alone',
  },
  {
    finding: /^WARNING Deployment \S+-operator: Deployment few replicas$/,
    why: 'gateways go on without an operator, which is back in seconds; its Service is for metrics',
  },
  {
    finding: /^WARNING Deployment \S+-redis: Deployment (few replicas|update strategy)$/,
    why: 'it is one log, for evaluation; two pods would be two logs',
  },
  {
    finding: /^CRITICAL Pod \S+-test: The pod does not have a matching NetworkPolicy$/,
    why: 'it listens to nothing, and is gone when it has asked',
  },
  {
    finding: /^CRITICAL Deployment streams-operator: The pod does not have a matching NetworkPolicy$/,
    why: 'own-redis.yaml switches it off',
  },
];

describe('kube-score', { skip: noKubeScore, timeout: 900_000 }, () => {
  const files = globSync(['test/chart/golden/*.yaml', 'manifests/install.yaml', 'manifests/samples/*.yaml'], {
    cwd: ROOT,
  });
  const used = new Set<string>();

  for (const file of files.toSorted()) {
    it(`finds no more in ${file} than has its reason`, async () => {
      const found = await kubeScore(join(ROOT, file));
      const unexplained = found.filter((each) => {
        const exception = EXCEPTIONS.find(({ finding }) => finding.test(each));
        if (exception !== undefined) used.add(exception.why);
        return exception === undefined;
      });
      assert.deepEqual(unexplained, []);
    });
  }

  it('finds all that is excepted', () => {
    assert.deepEqual(
      EXCEPTIONS.filter(({ why }) => !used.has(why)).map(({ why }) => why),
      [],
    );
  });
});
