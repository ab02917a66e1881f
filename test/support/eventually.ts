const WAIT_MS = 10_000;
const PAUSE_MS = 50;

/** Repeats the assertions until they hold; after ten seconds their last failure is the test's. */
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
