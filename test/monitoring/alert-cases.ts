/** What happens minute by minute, in promtool's notation: `0+60x30` begins at 0 and rises by 60, thirty times. */
export type Series = Readonly<Record<string, string>>;

export interface AlertCase {
  readonly alert: string;
  /** Fires after this many minutes… */
  readonly minutes: number;
  readonly trouble: Series;
  /** …with these labels beside those of the job. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly severity: 'warning' | 'critical';
  /** Does not fire, at any minute until then. */
  readonly health: Series;
}

const JOB = 'namespace="live",job="events-admin"';
const of = (name: string, labels = ''): string => `tidegate_${name}{${JOB}${labels && `,${labels}`}}`;
const pod = (name: string, number: number, labels = ''): string =>
  of(name, `pod="gateway-${number}",instance="10.0.0.${number}:7190"${labels && `,${labels}`}`);

/** A histogram of which all observations are in one bucket, `perMinute` of them. */
function observed(
  name: string,
  le: string,
  perMinute: number,
  place: (name: string, labels: string) => string,
): Series {
  const bounds = ['0.05', '0.1', '0.25', '0.3', '0.5', '1', '2.5', '5', '+Inf'];
  return Object.fromEntries(
    bounds.map((bound) => [
      place(`${name}_bucket`, `le="${bound}"`),
      Number(bound.replace('+Inf', 'Infinity')) >= Number(le) ? `0+${perMinute}x60` : '0x60',
    ]),
  );
}
const inJob = (name: string, labels: string): string => of(name, labels);
const inPod = (name: string, labels: string): string => pod(name, 1, labels);
const onlyOf =
  (labels: string): ((name: string) => string) =>
  (name) =>
    of(name, labels);
const lost = onlyOf('reason="lost"');

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'TidegateDeliverySlow',
    minutes: 12,
    trouble: observed('delivery_latency_seconds', '2.5', 600, inJob),
    severity: 'warning',
    health: observed('delivery_latency_seconds', '0.5', 600, inJob),
  },
  {
    alert: 'TidegateEventsLost',
    minutes: 6,
    trouble: { [lost('gaps_total')]: '0x3 40x20' },
    severity: 'critical',
    health: { [lost('gaps_total')]: '40x30', [of('gaps_total', 'reason="malformed"')]: '0+5x30' },
  },
  {
    alert: 'TidegateResumesWithGaps',
    minutes: 45,
    trouble: {
      [of('gaps_total', 'reason="trimmed"')]: '0+2x60',
      [of('connections_opened_total', 'path="/events"')]: '0+100x60',
    },
    severity: 'warning',
    health: {
      [of('gaps_total', 'reason="trimmed"')]: '0+2x60',
      [of('connections_opened_total', 'path="/events"')]: '0+1000x60',
    },
  },
  {
    alert: 'TidegateSlowConsumers',
    minutes: 25,
    trouble: {
      [of('connections_closed_total', 'reason="slow_consumer"')]: '0+5x60',
      [pod('connections', 1)]: '500x60',
      [pod('connections', 2)]: '500x60',
    },
    severity: 'warning',
    health: {
      [of('connections_closed_total', 'reason="slow_consumer"')]: '0+5x60',
      [of('connections_closed_total', 'reason="client_gone"')]: '0+500x60',
      [pod('connections', 1)]: '10000x60',
    },
  },
  {
    alert: 'TidegateChallengesUnanswered',
    minutes: 30,
    trouble: {
      [of('challenges_total', 'guard="staff",outcome="sent"')]: '0+100x60',
      [of('challenges_total', 'guard="staff",outcome="unanswered"')]: '0+30x60',
    },
    labels: { guard: 'staff' },
    severity: 'warning',
    health: {
      [of('challenges_total', 'guard="staff",outcome="sent"')]: '0+100x60',
      [of('challenges_total', 'guard="staff",outcome="unanswered"')]: '0+10x60',
      [of('challenges_total', 'guard="idle",outcome="sent"')]: '0x60',
      [of('challenges_total', 'guard="idle",outcome="unanswered"')]: '0x60',
    },
  },
  {
    alert: 'TidegateExpiryLate',
    minutes: 25,
    trouble: observed('expiry_error_seconds', '0.5', 60, inJob),
    severity: 'critical',
    health: observed('expiry_error_seconds', '0.25', 60, inJob),
  },
  {
    alert: 'TidegateKeysOld',
    minutes: 10,
    trouble: { [pod('jwks_age_seconds', 1, 'guard="staff"')]: '3500+60x30' },
    labels: { guard: 'staff' },
    severity: 'warning',
    health: { [pod('jwks_age_seconds', 1, 'guard="staff"')]: '0+60x10 0+60x10 0+60x10' },
  },
  {
    alert: 'TidegateKeyFetchesFail',
    minutes: 50,
    trouble: {
      [of('jwks_fetches_total', 'guard="staff",result="ok"')]: '1x60',
      [of('jwks_fetches_total', 'guard="staff",result="timeout"')]: '0+1x60',
    },
    labels: { guard: 'staff' },
    severity: 'warning',
    health: {
      [of('jwks_fetches_total', 'guard="staff",result="not_modified"')]: '0+1x60',
      [of('jwks_fetches_total', 'guard="staff",result="timeout"')]: '0+1x60',
    },
  },
  {
    alert: 'TidegateGuardGenerationSkew',
    minutes: 6,
    trouble: {
      [pod('guard_generation', 1, 'guard="staff"')]: '3x2 4x20',
      [pod('guard_generation', 2, 'guard="staff"')]: '3x30',
    },
    labels: { guard: 'staff' },
    severity: 'critical',
    health: {
      [pod('guard_generation', 1, 'guard="staff"')]: '3x2 4x20',
      [pod('guard_generation', 2, 'guard="staff"')]: '3x3 4x20',
      [pod('guard_generation', 2, 'guard="other"')]: '9x30',
    },
  },
  {
    alert: 'TidegateRevocationsStale',
    minutes: 5,
    trouble: {
      [pod('revocations_age_seconds', 1)]: '2x1 30+60x20',
      [pod('revocations_age_seconds', 2)]: '2x30',
    },
    labels: { pod: 'gateway-1', instance: '10.0.0.1:7190' },
    severity: 'critical',
    health: { [pod('revocations_age_seconds', 1)]: '9x30' },
  },
  {
    alert: 'TidegateRevocationsFail',
    minutes: 5,
    trouble: { [of('revocations_total', 'result="full"')]: '0x2 1x30' },
    labels: { result: 'full' },
    severity: 'critical',
    health: {
      [of('revocations_total', 'result="stored"')]: '0+1x30',
      [of('revocations_total', 'result="full"')]: '4x30',
    },
  },
  {
    alert: 'TidegateConfigurationRefused',
    minutes: 5,
    trouble: { [of('config_reloads_total', 'result="refused"')]: '0x2 1x30' },
    severity: 'warning',
    health: { [of('config_reloads_total', 'result="applied"')]: '0+1x30' },
  },
  {
    alert: 'TidegateBusDisconnected',
    minutes: 5,
    trouble: { [pod('bus_connected', 1)]: '1x2 0x20', [pod('bus_connected', 2)]: '1x30' },
    labels: { pod: 'gateway-1', instance: '10.0.0.1:7190' },
    severity: 'critical',
    health: { [pod('bus_connected', 1)]: '1x2 0 1x20' },
  },
  {
    alert: 'TidegateProbeSlow',
    minutes: 12,
    trouble: observed('bus_probe_seconds', '2.5', 60, inJob),
    severity: 'warning',
    health: observed('bus_probe_seconds', '0.1', 60, inJob),
  },
  {
    alert: 'TidegateBackfills',
    minutes: 25,
    trouble: {
      [of('bus_backfilled_events_total')]: '0+20x60',
      [of('events_received_total')]: '0+1000x60',
    },
    severity: 'warning',
    health: { [of('bus_backfilled_events_total')]: '0+5x60', [of('events_received_total')]: '0+1000x60' },
  },
  {
    alert: 'TidegateIngestUnavailable',
    minutes: 6,
    trouble: { [of('ingest_lines_total', 'result="unavailable"')]: '0x2 1+60x30' },
    severity: 'critical',
    health: {
      [of('ingest_lines_total', 'result="unavailable"')]: '7x30',
      [of('ingest_lines_total', 'result="accepted"')]: '0+600x30',
    },
  },
  {
    alert: 'TidegateIngestRefuses',
    minutes: 25,
    trouble: {
      [of('ingest_lines_total', 'result="refused"')]: '0+10x60',
      [of('ingest_lines_total', 'result="accepted"')]: '0+100x60',
    },
    severity: 'warning',
    health: {
      [of('ingest_lines_total', 'result="refused"')]: '0+1x60',
      [of('ingest_lines_total', 'result="accepted"')]: '0+100x60',
    },
  },
  {
    alert: 'TidegateFull',
    minutes: 6,
    trouble: { [of('requests_rejected_total', 'code="full"')]: '0+3x30' },
    severity: 'critical',
    health: {
      [of('requests_rejected_total', 'code="full"')]: '3x30',
      [of('requests_rejected_total', 'code="expired"')]: '0+3x30',
    },
  },
  {
    alert: 'TidegateEventLoopSaturated',
    minutes: 18,
    trouble: observed('event_loop_delay_seconds', '0.25', 3000, inPod),
    labels: { pod: 'gateway-1', instance: '10.0.0.1:7190' },
    severity: 'warning',
    health: observed('event_loop_delay_seconds', '0.05', 3000, inPod),
  },
  {
    alert: 'TidegateOperatorWithoutLeader',
    minutes: 6,
    trouble: { [pod('leader', 1)]: '1x2 0x20', [pod('leader', 2)]: '0x30' },
    severity: 'warning',
    health: { [pod('leader', 1)]: '1x2 0x20', [pod('leader', 2)]: '0x3 1x20' },
  },
  {
    alert: 'TidegateReconcilesFail',
    minutes: 40,
    trouble: {
      [of('reconcile_total', 'result="retry"')]: '0+3x60',
      [of('reconcile_total', 'result="done"')]: '0+1x60',
      [of('reconcile_total', 'result="terminal"')]: '0x60',
    },
    severity: 'warning',
    health: {
      [of('reconcile_total', 'result="retry"')]: '0+1x60',
      [of('reconcile_total', 'result="done"')]: '0+3x60',
    },
  },
  {
    alert: 'TidegateWatchStale',
    minutes: 22,
    trouble: { [pod('watch_age_seconds', 1, 'resource="jwtguards.tidegate.dev"')]: '0+60x40' },
    labels: { resource: 'jwtguards.tidegate.dev' },
    severity: 'warning',
    health: {
      [pod('watch_age_seconds', 1, 'resource="jwtguards.tidegate.dev"')]: '0+60x6 0+60x6 0+60x6 0+60x6',
    },
  },
];
