import { setTimeout as wait } from 'node:timers/promises';

const PERIOD_MS = 100;

/** Like `eventually`, for what servers agree on among themselves and which takes longer. */
export async function within(limitMs: number, assertions: () => Promise<void>): Promise<void> {
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      await assertions();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await wait(PERIOD_MS);
    }
  }
}
