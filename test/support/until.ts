import { setTimeout as wait } from 'node:timers/promises';

const PERIOD_MS = 5;
const LIMIT_MS = 5_000;

/** Resolves as soon as the condition holds; for what the operating system does in its own time. */
export async function until(
  condition: () => boolean,
  what = condition.toString(),
  limitMs = LIMIT_MS,
): Promise<void> {
  for (let waited = 0; !condition(); waited += PERIOD_MS) {
    if (waited >= limitMs) throw new Error(`did not happen within ${limitMs} ms: ${what}`);
    await wait(PERIOD_MS);
  }
}
