import type { EventGatewaySpec } from '../config/event-gateway.ts';
import { createCarriers } from '../ingest/carriers.ts';
import type { IngestRules } from '../ingest/intake.ts';

/** What of a gateway's configuration concerns its producers. */
export function ingestRules({ limits, streams }: EventGatewaySpec): IngestRules {
  return {
    eventBytesMax: limits.eventBytes,
    carriers: createCarriers(
      streams.map(({ topics, guardRefs }) => ({ topics, guards: guardRefs.map(({ name }) => name) })),
    ),
  };
}
