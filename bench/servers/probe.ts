/**
 * Loaded into a Tidegate process by `--import`, beside the program itself: answers questions about the process on its
 * IPC channel. It adds a timer of one millisecond while the event loop is watched, and nothing otherwise.
 */
import { PerformanceObserver } from 'node:perf_hooks';

export type ToProbe = { readonly ask: 'memory' } | { readonly ask: 'watch' } | { readonly ask: 'stalls' };

export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

/** A time in which the event loop did not come round. */
export interface Stall {
  readonly ms: number;
  /** Of it, the main thread's own; the rest it was kept from its core. */
  readonly cpuMs: number;
  readonly gcMs: number;
}

const STALL_MS = 5;
const stalls: Stall[] = [];
let timer: NodeJS.Timeout | undefined;
let gcMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) gcMs += duration;
}).observe({ entryTypes: ['gc'] });

process.on('message', ({ ask }: ToProbe) => {
  if (ask === 'memory') {
    // The second one takes what finalisers of the first have let go.
    for (let times = 0; times < 2; times++) globalThis.gc?.();
    const { external, heapUsed, rss } = process.memoryUsage();
    process.send?.({ rss, heapUsed, external } satisfies Memory);
  } else if (ask === 'watch') {
    stalls.length = 0;
    watch();
    process.send?.({});
  } else {
    clearInterval(timer);
    process.send?.(stalls);
  }
});
process.channel?.unref();

function watch(): void {
  clearInterval(timer);
  let last = performance.now();
  let cpu = process.threadCpuUsage();
  let gc = gcMs;
  timer = setInterval(() => {
    const now = performance.now();
    const used = process.threadCpuUsage();
    if (now - last > STALL_MS) {
      const cpuMs = (used.user + used.system - cpu.user - cpu.system) / 1000;
      stalls.push({ ms: now - last, cpuMs, gcMs: gcMs - gc });
    }
    last = now;
    cpu = used;
    gc = gcMs;
  }, 1);
}
