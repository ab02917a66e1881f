import { setTimeout as wait } from 'node:timers/promises';

const PERIOD_MS = 5;
/** Reached by what fails alone: a busy machine has been seen to take ten seconds for what mostly takes one. */
const LIMIT_MS = 30_000;

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
