/** Runs in the browser as in Node: a source, and everything that it tells, in order. */

const TYPES = ['open', 'message', 'error', 'challenge', 'answer', 'gap', 'end', 'price'];

/**
 * @param {typeof import('../../client/guarded-event-source.d.ts').GuardedEventSource} Source
 * @param {string} url
 * @param {import('../../client/guarded-event-source.d.ts').GuardedEventSourceInit} [init]
 */
export function record(Source, url, init) {
  /** @type {import('./recorded-source.ts').Entry[]} */
  const entries = [];
  const source = new Source(url, init);
  for (const type of TYPES) {
    source.addEventListener(type, (event) => {
      const { code, data, lastEventId: id, ok, status } = /** @type {any} */ (event);
      const told = Object.entries({ code, data, id, ok, status }).filter(([, value]) => value !== undefined);
      entries.push({ type, state: source.readyState, ...Object.fromEntries(told) });
    });
  }
  return { source, entries };
}
