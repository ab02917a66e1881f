import type { PublisherSettings } from '../bus/redis-publisher.ts';
import type { Configuration } from '../config/configuration.ts';

/** What of a gateway's configuration concerns the log that its ingest servers write. */
export function publisherSettings({ gateway }: Configuration): PublisherSettings {
  const { ingest, redis, replay } = gateway.spec;
  return {
    maxEvents: replay.maxEvents,
    maxAgeMs: replay.maxAge,
    maxBytes: replay.maxBytes,
    maxStallMs: ingest.maxStall,
    waitReplicas: redis?.waitReplicas ?? 0,
  };
}
