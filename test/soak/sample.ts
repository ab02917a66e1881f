/** What a process holds, after a full collection, as `probe.ts` says it. */
export interface Sample {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  /** What keeps the event loop going, by its type: sockets, servers, timers. */
  readonly resources: Readonly<Record<string, number>>;
  /** `Class`: how many there are; `Class#field`: what is in their collections. */
  readonly sizes: Readonly<Record<string, number>>;
}

/** One figure a name, bytes and counts alike. */
export type Figures = Readonly<Record<string, number>>;

export function figuresOf({ resources, sizes, ...bytes }: Sample): Figures {
  const named = (prefix: string, counts: Figures): [string, number][] =>
    Object.entries(counts).map(([name, count]) => [`${prefix}${name}`, count]);
  return Object.fromEntries([
    ...named('', { ...bytes }),
    ...named('handle ', resources),
    ...named('', sizes),
  ]);
}

/** @throws when it is no sample: the probe is then at fault */
export function sampleOf(message: unknown): Sample {
  if (typeof message !== 'object' || message === null || !('rss' in message) || !('sizes' in message)) {
    throw new TypeError(`no sample: ${JSON.stringify(message)}`);
  }
  return message as Sample;
}
