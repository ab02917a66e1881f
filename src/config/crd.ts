import type * as z from 'zod';
import { type CelRule, cel } from './cel.ts';
import { GATEWAY_IN_CLUSTER, GUARD_IN_CLUSTER, type InCluster } from './cluster-requirements.ts';
import { eventGatewaySpec } from './event-gateway.ts';
import { jwtGuardSpec } from './jwt-guard.ts';
import { GATEWAY_NAME_RULE } from './reference.ts';
import { API_VERSION, type Kind } from './resource.ts';
import { eventGatewayStatus, jwtGuardStatus } from './status.ts';
import { type StructuralSchema, structural, tightened } from './structural-schema.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0: with `-o wide` only. */
  readonly priority?: number;
}

interface Definition {
  readonly kind: Kind;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly inCluster: InCluster;
  readonly columns: readonly Column[];
  /** Of the whole object. */
  readonly rules?: readonly CelRule[];
}

const [GROUP = '', VERSION = ''] = API_VERSION.split('/');
const CATEGORY = 'tidegate';

const DEFINITIONS: readonly Definition[] = [
  {
    kind: 'JwtGuard',
    plural: 'jwtguards',
    shortName: 'jg',
    description: 'Says which tokens may open a stream: whose, for whom, signed by which keys.',
    spec: jwtGuardSpec,
    status: jwtGuardStatus,
    inCluster: GUARD_IN_CLUSTER,
    columns: [
      { name: 'Issuer', type: 'string', jsonPath: '.spec.issuer', description: 'Whose tokens it judges.' },
      conditionColumn('Accepted', 'Whether it has no fault.'),
      conditionColumn('KeysReady', 'Whether all pods have its keys.', 'Keys'),
      conditionColumn('Enforced', 'Whether all pods judge by the current generation.'),
      {
        name: 'Enforcing',
        type: 'integer',
        jsonPath: '.status.pods.enforcing',
        description: 'Pods that judge by the current generation.',
      },
      { name: 'Pods', type: 'integer', jsonPath: '.status.pods.total', description: 'Pods that use it.' },
      ageColumn(),
    ],
  },
  {
    kind: 'EventGateway',
    plural: 'eventgateways',
    shortName: 'eg',
    description: 'Offers event streams by path, each behind guards, and runs the pods that hold them.',
    spec: eventGatewaySpec,
    status: eventGatewayStatus,
    inCluster: GATEWAY_IN_CLUSTER,
    rules: [GATEWAY_NAME_RULE],
    columns: [
      conditionColumn('Accepted', 'Whether it has no fault.'),
      conditionColumn('Ready', 'Whether clients and producers are served.'),
      {
        name: 'Gateways',
        type: 'integer',
        jsonPath: '.status.gateway.readyReplicas',
        description: 'Gateway pods that are ready.',
      },
      {
        name: 'Ingests',
        type: 'integer',
        jsonPath: '.status.ingest.readyReplicas',
        description: 'Ingest pods that are ready.',
      },
      {
        name: 'Connections',
        type: 'integer',
        jsonPath: '.status.connections',
        description: 'Open streams of all pods.',
      },
      conditionColumn('Progressing', 'Whether a change is under way.', 'Progressing', 1),
      conditionColumn('Degraded', 'Whether something is amiss that is still worked around.', 'Degraded', 1),
      ageColumn(),
    ],
  },
];

/** Both CustomResourceDefinitions, as they are applied to a cluster. */
export function customResourceDefinitions() {
  return DEFINITIONS.map((definition) => {
    const { kind, plural, shortName, columns } = definition;
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${GROUP}` },
      spec: {
        group: GROUP,
        scope: 'Namespaced',
        names: {
          kind,
          listKind: `${kind}List`,
          plural,
          singular: kind.toLowerCase(),
          shortNames: [shortName],
          categories: [CATEGORY],
        },
        versions: [
          {
            name: VERSION,
            served: true,
            storage: true,
            schema: { openAPIV3Schema: schemaOf(definition) },
            subresources: { status: {} },
            additionalPrinterColumns: columns,
          },
        ],
      },
    };
  });
}

function conditionColumn(type: string, description: string, name = type, priority = 0): Column {
  const jsonPath = `.status.conditions[?(@.type=="${type}")].status`;
  return { name, type: 'string', jsonPath, description, ...(priority === 0 ? {} : { priority }) };
}

function ageColumn(): Column {
  const jsonPath = '.metadata.creationTimestamp';
  return { name: 'Age', type: 'date', jsonPath, description: 'Since it was made.' };
}

function schemaOf({ description, spec, status, inCluster, rules }: Definition): StructuralSchema {
  return {
    type: 'object',
    description,
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string', description: `${API_VERSION}.` },
      kind: { type: 'string', description: 'The kind of the document.' },
      // Of the metadata nothing but its type may be said.
      metadata: { type: 'object' },
      spec: tightened(structural(spec), inCluster),
      status: structural(status),
    },
    ...(rules === undefined ? {} : cel(...rules)),
  };
}
