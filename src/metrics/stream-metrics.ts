import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { CLOSE_REASONS } from '../stream/close-reason.ts';
import type { ChallengeOutcome, GapReason, StreamObserver } from '../stream/observer.ts';

const MS_PER_SECOND = 1000;
/** Around the promise: 50 ms up to 1,000 streams at one instant, 300 ms for 10,000. */
const EXPIRY_BUCKETS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5];
const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const OUTCOMES: readonly ChallengeOutcome[] = ['sent', 'answered', 'refused', 'unanswered'];
const GAP_REASONS: readonly GapReason[] = ['malformed', 'future', 'trimmed', 'too_far_behind', 'lost'];

/** What a gauge reads when it is scraped. */
export interface StreamGauges {
  status(): {
    readonly connections: number;
    readonly draining: boolean;
    /** By how many events of the ring the slowest open stream is behind. */
    readonly lag: number;
    readonly ring: { readonly events: number; readonly bytes: number };
  };
}

export interface StreamMetrics extends StreamObserver {
  /** From now on the gauges show this hub. */
  watch(gauges: StreamGauges): void;
  /** These paths are shown from now on, streams or none: a rate needs a zero to rise from. */
  paths(paths: readonly string[]): void;
}

/** @param guards the names of the guards there are, whose challenges are shown even before the first */
export function createStreamMetrics(registry: Registry, guards: () => readonly string[]): StreamMetrics {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name: `tidegate_${name}`, help, labelNames, registers });
  let watched: StreamGauges | undefined;
  const gauge = (name: string, help: string, read: (status: ReturnType<StreamGauges['status']>) => number) =>
    new Gauge({
      name: `tidegate_${name}`,
      help,
      registers,
      collect() {
        if (watched !== undefined) this.set(read(watched.status()));
      },
    });

  gauge('connections', 'Open streams.', ({ connections }) => connections);
  gauge('draining', 'Whether this process is about to stop: 1 or 0.', ({ draining }) => Number(draining));
  gauge(
    'delivery_lag_events',
    'How many recent events the slowest open stream has yet to get.',
    ({ lag }) => lag,
  );
  gauge('ring_events', 'Recent events that all streams share.', ({ ring }) => ring.events);
  gauge('ring_bytes', 'Bytes that those events take, encoded.', ({ ring }) => ring.bytes);
  const opened = counter('connections_opened_total', 'Streams opened, by configured path.', ['path']);
  const closed = counter('connections_closed_total', 'Streams ended, by reason.', ['reason']);
  const aborted = counter(
    'connections_aborted_total',
    'Streams reset, since the peer did not take their end within 5 s.',
  );
  const challenges = new Counter({
    name: 'tidegate_challenges_total',
    help: 'Challenges, by what became of them.',
    labelNames: ['guard', 'outcome'],
    registers,
    collect() {
      for (const guard of guards()) for (const outcome of OUTCOMES) this.inc({ guard, outcome }, 0);
    },
  });
  const received = counter('events_received_total', 'Events that came from the bus.');
  const delivered = counter('events_delivered_total', 'Events handed to sockets, once for each stream.');
  const replayed = counter(
    'events_replayed_total',
    'Events among the delivered that clients had missed and asked for by id.',
  );
  const gaps = counter('gaps_total', 'Gaps told to clients, by reason.', ['reason']);
  const expiryError = new Histogram({
    name: 'tidegate_expiry_error_seconds',
    help: 'How long after its authorisation had ended a stream was cut, in seconds; never negative.',
    buckets: EXPIRY_BUCKETS_S,
    registers,
  });
  const latency = new Histogram({
    name: 'tidegate_delivery_latency_seconds',
    help: 'From ingest to the last socket, for the oldest event of each batch, in seconds.',
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  for (const reason of [...Object.keys(CLOSE_REASONS), 'client_gone']) closed.inc({ reason }, 0);
  for (const reason of GAP_REASONS) gaps.inc({ reason }, 0);

  return {
    watch(gauges) {
      watched = gauges;
    },
    paths(paths) {
      for (const path of paths) opened.inc({ path }, 0);
    },
    opened: (path) => opened.inc({ path }),
    closed: (reason) => closed.inc({ reason }),
    aborted: () => aborted.inc(),
    challenge: (guard, outcome) => challenges.inc({ guard, outcome }),
    expiryError: (milliseconds) => expiryError.observe(milliseconds / MS_PER_SECOND),
    received: () => received.inc(),
    delivered: (events) => delivered.inc(events),
    replayed: (events) => replayed.inc(events),
    gap: (reason) => gaps.inc({ reason }),
    latency: (milliseconds) => latency.observe(milliseconds / MS_PER_SECOND),
  };
}
