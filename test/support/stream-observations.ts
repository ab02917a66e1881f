import type { ChallengeOutcome, ClosedReason, GapReason, StreamObserver } from '../../src/stream/observer.ts';

/** What streams reported, counted as the metrics would. */
export class StreamObservations implements StreamObserver {
  readonly openedPaths: string[] = [];
  readonly closedReasons: ClosedReason[] = [];
  readonly challenges: string[] = [];
  readonly expiryErrorsMs: number[] = [];
  readonly gaps: GapReason[] = [];
  readonly latenciesMs: number[] = [];
  abortedCount = 0;
  receivedCount = 0;
  deliveredCount = 0;
  replayedCount = 0;

  opened(path: string): void {
    this.openedPaths.push(path);
  }
  closed(reason: ClosedReason): void {
    this.closedReasons.push(reason);
  }
  aborted(): void {
    this.abortedCount++;
  }
  challenge(guard: string, outcome: ChallengeOutcome): void {
    this.challenges.push(`${guard} ${outcome}`);
  }
  expiryError(milliseconds: number): void {
    this.expiryErrorsMs.push(milliseconds);
  }
  received(): void {
    this.receivedCount++;
  }
  delivered(events: number): void {
    this.deliveredCount += events;
  }
  replayed(events: number): void {
    this.replayedCount += events;
  }
  gap(reason: GapReason): void {
    this.gaps.push(reason);
  }
  latency(milliseconds: number): void {
    this.latenciesMs.push(milliseconds);
  }
}
