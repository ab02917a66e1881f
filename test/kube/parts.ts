import type { TestContext } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { HttpKubeClient, KUBE_LIMITS, type KubeLimits } from '../../src/kube/http-kube-client.ts';
import type { KubeObject } from '../../src/kube/kube-object.ts';
import type { ObjectListener } from '../../src/kube/object-cache.ts';
import type { ReflectorObserver } from '../../src/kube/observer.ts';
import { GivenCredentials, type ScriptedApi } from '../support/scripted-api.ts';

/** A client of a scripted API server. */
export function clientOf(test: TestContext, api: ScriptedApi, limits: Partial<KubeLimits> = {}) {
  const credentials = new GivenCredentials(api);
  const client = new HttpKubeClient(credentials, systemClock, 'tidegate/test', {
    ...KUBE_LIMITS,
    requestMs: 3_000,
    ...limits,
  });
  test.after(() => client.close());
  return { client, credentials };
}

/** Keeps what it is told as words: `+a@1` new, `a@1>2` changed, `-a` deleted. */
export class RecordedObjects implements ObjectListener {
  readonly told: string[] = [];

  changed({ metadata }: KubeObject, before: KubeObject | undefined): void {
    const { name, resourceVersion } = metadata;
    this.told.push(
      before === undefined
        ? `+${name}@${resourceVersion}`
        : `${name}@${before.metadata.resourceVersion}>${resourceVersion}`,
    );
  }

  deleted({ metadata }: KubeObject): void {
    this.told.push(`-${metadata.name}`);
  }
}

export class RecordedReflections implements ReflectorObserver {
  readonly lists: string[] = [];
  readonly failures: string[] = [];

  listed(type: string, objects: number): void {
    this.lists.push(`${type} ${objects}`);
  }

  failed(_type: string, code: string): void {
    this.failures.push(code);
  }
}
