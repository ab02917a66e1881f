import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  gatewayInClusterViolations,
  guardInClusterViolations,
} from '../../src/config/cluster-requirements.ts';
import { customResourceDefinitions } from '../../src/config/crd.ts';
import { parseResource } from '../../src/config/resource.ts';
import type { StructuralSchema } from '../../src/config/structural-schema.ts';
import { anyCluster, type Cluster, noControlPlane } from '../support/cluster.ts';
import { SAMPLES } from './documents.ts';
import { installDefinitions, judge } from './installed.ts';

/** What the two judges cannot agree on, and why. A difference that has gone must leave the table. */
const DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ['JwtGuard: a lone surrogate', 'it reaches an API server as U+FFFD, since JSON is read as UTF-8 there'],
  ['JwtGuard: an empty field', 'an API server takes null for absent where there is a default'],
  [
    'JwtGuard: {"jwks":{"uri":"https://@a.example/"}}',
    'the URL standard drops empty credentials; the rule refuses every @ in front of a host',
  ],
  [
    'JwtGuard: {"jwks":{"uri":"https:///x"}}',
    'the URL standard takes x for the host; Go, which reads URLs for CEL, finds none',
  ],
  ['JwtGuard: inline keys that CEL cannot tell from a key set', 'CEL reads no JSON; a pod refuses them'],
  [
    'JwtGuard: an inline key set with a member d beside its keys',
    'CEL reads no JSON, and rather errs on this side',
  ],
  [
    'JwtGuard: a host that is loopback only once it is normalised',
    'CEL does not normalise hosts; a pod refuses to connect',
  ],
  [
    'EventGateway: an origin as no browser writes it, but in its characters',
    'CEL does not normalise hosts; it matches no page',
  ],
]);

/** The sentences of rules; what the schema's own keywords refuse, an API server puts into its own words. */
const SENTENCES = new Set(
  customResourceDefinitions().flatMap(({ spec }) =>
    spec.versions.flatMap(({ schema }) => [...sentencesOf(schema.openAPIV3Schema)]),
  ),
);

describe('tidegate check and an API server', { skip: noControlPlane }, () => {
  let cluster: Cluster;
  const told: string[] = [];
  before(async () => {
    cluster = await anyCluster();
    await installDefinitions(cluster);
  });
  after(() => cluster[Symbol.asyncDispose]());

  it('are asked about every sample under a name of its own', () => {
    assert.equal(new Set(SAMPLES.map(({ what }) => what)).size, SAMPLES.length);
    assert.deepEqual(
      [...DIFFERENCES.keys()].filter((each) => !SAMPLES.some(({ what }) => what === each)),
      [],
    );
  });

  for (const { what, document } of SAMPLES) {
    const reason = DIFFERENCES.get(what);
    it(reason === undefined ? `agree on ${what}` : `differ on ${what}: ${reason}`, async () => {
      const ours = check(JSON.parse(JSON.stringify(document)));
      const theirs = await judge(cluster, document);
      told.push(theirs.message);
      if (reason !== undefined) {
        assert.notEqual(ours.length === 0, theirs.accepted, theirs.message);
        return;
      }
      assert.equal(
        theirs.accepted,
        ours.length === 0,
        `check: ${ours.join('; ')}\nAPI server: ${theirs.message}`,
      );
      // After a fault of form no rule is tried.
      if (/strict decoding error|some validation rules were not checked/.test(theirs.message)) return;
      const unsaid = ours.filter((rule) => SENTENCES.has(rule) && !theirs.message.includes(rule));
      assert.deepEqual(unsaid, [], theirs.message);
    });
  }

  it('have by then told every sentence that a definition has', () => {
    const all = told.join('\n');
    assert.deepEqual(
      [...SENTENCES].filter((sentence) => !all.includes(sentence)),
      [],
    );
  });
});

/** As `tidegate check` judges it, and then as a pod does. */
function check(document: unknown): readonly string[] {
  const found = parseResource(document);
  const violations = !found.ok
    ? found.violations
    : found.value.kind === 'JwtGuard'
      ? guardInClusterViolations(found.value.document.spec)
      : gatewayInClusterViolations(found.value.document.spec);
  return violations.map(({ rule }) => rule);
}

function* sentencesOf(node: StructuralSchema): Generator<string> {
  const rules = node['x-kubernetes-validations'];
  if (Array.isArray(rules)) for (const { message } of rules) yield String(message);
  for (const inner of Object.values(node.properties ?? {})) yield* sentencesOf(inner);
  if (node.items !== undefined) yield* sentencesOf(node.items);
  if (node.additionalProperties !== undefined) yield* sentencesOf(node.additionalProperties);
}
