/** Reached by what fails alone: a machine that is busy takes seconds to start a process. */
const WAIT_MS = 40_000;
const PAUSE_MS = 50;

/** Repeats the assertions until they hold; after forty seconds their last failure is the test's. */
export async function eventually(assertions: () => void | Promise<void>): Promise<void> {
  const until = Date.now() + WAIT_MS;
  for (;;) {
    try {
      await assertions();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
