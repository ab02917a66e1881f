/** The Grafana dashboard, a row for each question that an operator asks. Its JSON is generated into the chart. */

export interface Query {
  readonly expr: string;
  /** Grafana's `{{label}}` is filled from the series. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: 'short' | 'reqps' | 'ops' | 's' | 'bytes' | 'percentunit';
  readonly queries: readonly Query[];
  /** Stacked areas instead of lines. */
  readonly stacked?: true;
}

export interface Row {
  readonly question: string;
  readonly panels: readonly Panel[];
}

/** Which processes: `.*` also fits where Prometheus adds no namespace. */
const OF = 'namespace=~"$namespace",job=~"$job",instance=~"$instance"';
/** Of the operator, which is another job. */
const OPERATOR = 'namespace=~"$namespace"';
/** Grafana's own: four scrapes at least. */
const RATE = '$__rate_interval';

const of = (name: string, labels = ''): string => `tidegate_${name}{${OF}${labels && `,${labels}`}}`;
const rate = (name: string, labels = ''): string => `rate(${of(name, labels)}[${RATE}])`;
const sumBy = (label: string, expr: string): string => `sum by (${label}) (${expr})`;
const quantile = (share: number, name: string, by = ''): string =>
  `histogram_quantile(${share}, sum by (${by && `${by}, `}le) (${rate(`${name}_bucket`)}))`;

export const ROWS: readonly Row[] = [
  {
    question: 'Is it delivering?',
    panels: [
      {
        title: 'Open streams',
        description: 'Of all pods together.',
        unit: 'short',
        queries: [{ expr: `sum(${of('connections')})`, legend: 'open' }],
      },
      {
        title: 'Events and deliveries',
        description:
          'An event is received once by each gateway pod, and delivered once to each stream that may see it.',
        unit: 'ops',
        queries: [
          { expr: `max(${rate('events_received_total')})`, legend: 'events' },
          { expr: `sum(${rate('events_delivered_total')})`, legend: 'deliveries' },
          { expr: `sum(${rate('events_replayed_total')})`, legend: 'of them replayed' },
        ],
      },
      {
        title: 'Delivery latency',
        description: 'From ingest to the last socket.',
        unit: 's',
        queries: [
          { expr: quantile(0.5, 'delivery_latency_seconds'), legend: 'median' },
          { expr: quantile(0.99, 'delivery_latency_seconds'), legend: '99th percentile' },
        ],
      },
      {
        title: "Producers' lines",
        description: 'Accepted by the log, refused for a fault, or unavailable since the log was away.',
        unit: 'ops',
        stacked: true,
        queries: [{ expr: sumBy('result', rate('ingest_lines_total')), legend: '{{result}}' }],
      },
      {
        title: 'Producers connected',
        description: 'By TCP.',
        unit: 'short',
        queries: [{ expr: `sum(${of('ingest_connections')})`, legend: 'connected' }],
      },
      {
        title: 'Gaps told',
        description:
          'Streams that were told that something is missing. `lost` is Redis; the others are late clients.',
        unit: 'ops',
        stacked: true,
        queries: [{ expr: sumBy('reason', rate('gaps_total')), legend: '{{reason}}' }],
      },
      {
        title: 'Streams opened',
        description: 'By path as it is configured.',
        unit: 'ops',
        stacked: true,
        queries: [{ expr: sumBy('path', rate('connections_opened_total')), legend: '{{path}}' }],
      },
    ],
  },
  {
    question: 'Who is being cut, and why?',
    panels: [
      {
        title: 'Streams ended',
        description: 'By reason; `client_gone` left by themselves.',
        unit: 'ops',
        stacked: true,
        queries: [
          { expr: sumBy('reason', rate('connections_closed_total')), legend: '{{reason}}' },
          { expr: `sum(${rate('connections_aborted_total')})`, legend: 'of them reset' },
        ],
      },
      {
        title: 'Requests refused',
        description: 'By code, as clients are told it. docs/troubleshooting.md has each.',
        unit: 'ops',
        stacked: true,
        queries: [{ expr: `${sumBy('code', rate('requests_rejected_total'))} > 0`, legend: '{{code}}' }],
      },
      {
        title: 'Challenges',
        description: 'What became of them.',
        unit: 'ops',
        queries: [{ expr: sumBy('outcome', rate('challenges_total')), legend: '{{outcome}}' }],
      },
      {
        title: 'Unanswered challenges',
        description: 'Their share of those sent within a quarter of an hour.',
        unit: 'percentunit',
        queries: [
          {
            expr: 'tidegate:challenges_unanswered:ratio_15m{namespace=~"$namespace",job=~"$job"}',
            legend: '{{guard}}',
          },
        ],
      },
      {
        title: 'Cut after the end of a token',
        description: 'Promised: 50 ms up to 1,000 streams on one instant, 300 ms for 10,000; never early.',
        unit: 's',
        queries: [
          { expr: quantile(0.5, 'expiry_error_seconds'), legend: 'median' },
          { expr: quantile(0.99, 'expiry_error_seconds'), legend: '99th percentile' },
        ],
      },
      {
        title: 'Verdict on an answer',
        description: 'From its arrival, wherever its stream lives.',
        unit: 's',
        queries: [
          { expr: quantile(0.5, 'answer_duration_seconds'), legend: 'median' },
          { expr: quantile(0.99, 'answer_duration_seconds'), legend: '99th percentile' },
        ],
      },
    ],
  },
  {
    question: 'Is a pod behind?',
    panels: [
      {
        title: 'Streams by pod',
        description: 'Uneven after a rollout until clients come and go.',
        unit: 'short',
        queries: [{ expr: of('connections'), legend: '{{instance}}' }],
      },
      {
        title: 'Slowest stream',
        description: 'By how many events it is behind, at each pod.',
        unit: 'short',
        queries: [{ expr: of('delivery_lag_events'), legend: '{{instance}}' }],
      },
      {
        title: 'About to stop',
        description: '1 while a pod drains: it takes no new streams, and sends its own elsewhere.',
        unit: 'short',
        queries: [{ expr: of('draining'), legend: '{{instance}}' }],
      },
      {
        title: 'Event loop delay',
        description: 'The 99th percentile; above 100 ms a pod has more to do than one core allows.',
        unit: 's',
        queries: [{ expr: quantile(0.99, 'event_loop_delay_seconds', 'instance'), legend: '{{instance}}' }],
      },
      {
        title: 'CPU',
        description: 'Cores in use. A gateway does its work on one.',
        unit: 'short',
        queries: [{ expr: `rate(process_cpu_seconds_total{${OF}}[${RATE}])`, legend: '{{instance}}' }],
      },
      {
        title: 'Memory',
        description: 'Resident.',
        unit: 'bytes',
        queries: [{ expr: `process_resident_memory_bytes{${OF}}`, legend: '{{instance}}' }],
      },
      {
        title: 'Recent events held',
        description: 'Encoded, in the ring that all streams of a pod share.',
        unit: 'bytes',
        queries: [{ expr: of('ring_bytes'), legend: '{{instance}}' }],
      },
    ],
  },
  {
    question: 'Is Redis well?',
    panels: [
      {
        title: 'Connected',
        description: '1 or 0, for each pod.',
        unit: 'short',
        queries: [{ expr: of('bus_connected'), legend: '{{instance}}' }],
      },
      {
        title: 'Probe through the live channel',
        description: 'Once a second, from its sending to its arrival.',
        unit: 's',
        queries: [
          { expr: quantile(0.5, 'bus_probe_seconds'), legend: 'median' },
          { expr: quantile(0.99, 'bus_probe_seconds'), legend: '99th percentile' },
        ],
      },
      {
        title: 'Reconnects and backfills',
        description:
          'Connections made anew; events fetched from the log, since the live channel had not brought them.',
        unit: 'ops',
        queries: [
          { expr: `sum(${rate('bus_reconnects_total')})`, legend: 'reconnects' },
          { expr: `sum(${rate('bus_backfilled_events_total')})`, legend: 'events fetched' },
        ],
      },
    ],
  },
  {
    question: 'Do all pods judge alike?',
    panels: [
      {
        title: 'Guard generations',
        description: 'The oldest and the newest in force. They part while a change arrives, for a second.',
        unit: 'short',
        queries: [
          { expr: `min by (guard) (${of('guard_generation')})`, legend: '{{guard}}, oldest' },
          { expr: `max by (guard) (${of('guard_generation')})`, legend: '{{guard}}, newest' },
        ],
      },
      {
        title: 'Age of keys',
        description: 'Since a key set was last fetched or confirmed.',
        unit: 's',
        queries: [{ expr: `max by (guard) (${of('jwks_age_seconds')})`, legend: '{{guard}}' }],
      },
      {
        title: 'Key sets fetched',
        description: 'By result.',
        unit: 'ops',
        stacked: true,
        queries: [{ expr: sumBy('result', rate('jwks_fetches_total')), legend: '{{result}}' }],
      },
      {
        title: 'Configuration changes',
        description: 'A refused one leaves the last good one in force.',
        unit: 'ops',
        stacked: true,
        queries: [{ expr: sumBy('result', rate('config_reloads_total')), legend: '{{result}}' }],
      },
      {
        title: 'Tokens verified before',
        description: 'The share whose signature did not have to be verified again.',
        unit: 'percentunit',
        queries: [
          {
            expr: `sum(${rate('token_cache_hits_total')}) / (sum(${rate('token_cache_hits_total')}) + sum(${rate('token_cache_misses_total')}))`,
            legend: 'cached',
          },
        ],
      },
      {
        title: 'Revocations held',
        description: 'Until the tokens concerned are dead.',
        unit: 'short',
        queries: [{ expr: `max(${of('revocations')})`, legend: 'held' }],
      },
    ],
  },
  {
    question: 'Does the operator work?',
    panels: [
      {
        title: 'Reconciles',
        description: 'By result; `terminal` waits for a change of yours.',
        unit: 'ops',
        stacked: true,
        queries: [
          {
            expr: `sum by (result) (rate(tidegate_reconcile_total{${OPERATOR}}[${RATE}]))`,
            legend: '{{result}}',
          },
        ],
      },
      {
        title: 'Leader, and work that waits',
        description: 'Exactly one process leads.',
        unit: 'short',
        queries: [
          { expr: `sum(tidegate_leader{${OPERATOR}})`, legend: 'leaders' },
          { expr: `sum(tidegate_workqueue_depth{${OPERATOR}})`, legend: 'waiting' },
        ],
      },
      {
        title: 'Since a resource was heard of',
        description: 'Bookmarks come about once a minute.',
        unit: 's',
        queries: [
          { expr: `max by (resource) (tidegate_watch_age_seconds{${OPERATOR}})`, legend: '{{resource}}' },
        ],
      },
    ],
  },
];

const COLUMNS = 3;
const WIDTH = 24 / COLUMNS;
const HEIGHT = 8;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** What Grafana imports. */
export function dashboard(): object {
  let y = 0;
  let id = 0;
  const panels = ROWS.flatMap(({ question, panels: row }) => {
    const title = {
      id: ++id,
      type: 'row',
      title: question,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
      panels: [],
    };
    const placed = row.map((panel, i) =>
      shown(panel, ++id, {
        x: (i % COLUMNS) * WIDTH,
        y: y + Math.floor(i / COLUMNS) * HEIGHT,
        w: WIDTH,
        h: HEIGHT,
      }),
    );
    y += Math.ceil(row.length / COLUMNS) * HEIGHT;
    return [title, ...placed];
  });
  return {
    uid: 'tidegate',
    title: 'Tidegate',
    description: 'Event streams that stay authorised: deliveries, cuts, pods, Redis, guards.',
    tags: ['tidegate'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        variable('namespace', 'Namespace', 'label_values(tidegate_build_info, namespace)'),
        variable('job', 'Gateway', 'label_values(tidegate_connections{namespace=~"$namespace"}, job)'),
        variable(
          'instance',
          'Pod',
          'label_values(tidegate_build_info{namespace=~"$namespace",job=~"$job"}, instance)',
        ),
      ],
    },
    panels,
  };
}

function shown({ title, description, unit, queries, stacked }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: 'timeseries',
    title,
    description,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        custom: {
          lineWidth: 1,
          fillOpacity: stacked ? 30 : 0,
          showPoints: 'never',
          stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom' },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + i),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}

function variable(name: string, label: string, query: string): object {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}
