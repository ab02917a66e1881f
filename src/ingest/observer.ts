export type LineResult = 'accepted' | 'refused' | 'unavailable';

/** What ingest reports; `metrics/` implements it. */
export interface IngestObserver {
  line(result: LineResult): void;
  /** How many producers are connected by TCP. */
  connections(open: number): void;
}
