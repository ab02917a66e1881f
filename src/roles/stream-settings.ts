import type { EventGatewaySpec } from '../config/event-gateway.ts';
import type { StreamSettings } from '../stream/settings.ts';

/** What of a gateway's configuration concerns its streams. */
export function streamSettings({ heartbeat, limits, replay, retry }: EventGatewaySpec): StreamSettings {
  return {
    ring: { eventsMax: replay.maxEvents, bytesMax: limits.ringBytes, ageMaxMs: replay.maxAge },
    replayPerStreamMax: replay.maxPerStream,
    connectionsMax: limits.connections,
    perHolderMax: limits.perSubject,
    lagMaxMs: limits.lagTime,
    streamAgeMs: limits.streamAge,
    heartbeatMs: heartbeat,
    retryMs: retry,
  };
}
