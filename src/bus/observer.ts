/** What a bus that is reached over a network reports; `metrics/` implements it. */
export interface BusObserver {
  /** A connection was lost, or was given up since it had become useless. */
  reconnected(): void;
  /** Events that came from the log, since the live channel had not brought them. */
  backfilled(events: number): void;
  /** From the sending of a probe to its arrival through the live channel, in milliseconds. */
  probed(milliseconds: number): void;
}
