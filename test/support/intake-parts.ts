import type { Publisher } from '../../src/bus/bus.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { createCarriers } from '../../src/ingest/carriers.ts';
import type { IngestRules, IntakeParts } from '../../src/ingest/intake.ts';
import { SlowLog } from './slow-log.ts';

/** What an intake needs, with a log to hold; one guard carries `events`. */
export interface IntakeRig {
  readonly log: SlowLog;
  readonly parts: IntakeParts;
  /** What the observer was told of lines, in order. */
  readonly results: string[];
  /** How many producers were connected, as it was told. */
  readonly connections: number[];
  rules: IngestRules;
}

export function createIntakeRig(clock: Clock = systemClock, publisher?: Publisher): IntakeRig {
  const log = new SlowLog();
  const results: string[] = [];
  const connections: number[] = [];
  const rig: IntakeRig = {
    log,
    results,
    connections,
    rules: {
      eventBytesMax: 262_144,
      carriers: createCarriers([{ topics: ['events'], guards: ['main'] }]),
    },
    parts: {
      publisher: publisher ?? log,
      clock,
      rules: () => rig.rules,
      observer: { line: (result) => results.push(result), connections: (open) => connections.push(open) },
    },
  };
  return rig;
}
