/** Which guards vouch for the subjects of a topic: those of the streams that carry it. */
export interface Carriers {
  guardsOf(topic: string): readonly string[];
}

export interface CarryingStream {
  /** Topics as configured, such as `events` or `orders.${sub}`. */
  readonly topics: readonly string[];
  readonly guards: readonly string[];
}

/** Answers remembered at once; producers of many topics cost a match each beyond it. */
const REMEMBERED_MAX = 10_000;

export function createCarriers(streams: readonly CarryingStream[]): Carriers {
  const patterns = streams.flatMap(({ topics, guards }) =>
    topics.map((topic) => ({ parts: topic.split(/\$\{[^}]*\}/), guards })),
  );
  const remembered = new Map<string, readonly string[]>();
  return {
    guardsOf(topic) {
      const known = remembered.get(topic);
      if (known !== undefined) return known;
      const guards = [
        ...new Set(patterns.filter(({ parts }) => fits(topic, parts)).flatMap((pattern) => pattern.guards)),
      ];
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(topic, guards);
      return guards;
    },
  };
}

/** Whether the topic has these parts in order, something non-empty between them; linear, no backtracking needed. */
function fits(topic: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return topic === first;
  if (!topic.startsWith(first) || !topic.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = topic.indexOf(part, at + 1);
    if (found < 0) return false;
    at = found + part.length;
  }
  return topic.length - last.length > at;
}
