/** A stream that has its head may still be about to join, and a process that has just begun to compile. */
const SETTLING_MS = 300;

export function settle(ms = SETTLING_MS): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
