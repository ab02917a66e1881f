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
const RELEASING_MS = 300;
let timer: NodeJS.Timeout | undefined;
let stalls: { readonly from: number; readonly to: number; readonly cpuMs: number }[] = [];
let pauses: { readonly from: number; readonly to: number }[] = [];
// What it is told comes after the pause, and after the tick that was late; so they are matched when they are asked for.
new PerformanceObserver((list) => {
  if (timer === undefined) return;
  for (const { duration, startTime } of list.getEntries()) {
    pauses.push({ from: startTime, to: startTime + duration });
  }
}).observe({ entryTypes: ['gc'] });

process.on('message', ({ ask }: ToProbe) => {
  if (ask === 'memory') {
    globalThis.gc?.();
    setTimeout(() => {
      // The second one takes what finalisers of the first have let go, which V8 gives back to the kernel a little later.
      globalThis.gc?.();
      setTimeout(() => {
        const { external, heapUsed, rss } = process.memoryUsage();
        process.send?.({ rss, heapUsed, external } satisfies Memory);
      }, RELEASING_MS);
    }, RELEASING_MS);
  } else if (ask === 'watch') {
    watch();
    process.send?.({});
  } else {
    clearInterval(timer);
    timer = undefined;
    process.send?.(stalls.map(matched) satisfies Stall[]);
  }
});
process.channel?.unref();

function watch(): void {
  clearInterval(timer);
  stalls = [];
  pauses = [];
  let last = performance.now();
  let cpu = process.threadCpuUsage();
  timer = setInterval(() => {
    const now = performance.now();
    const used = process.threadCpuUsage();
    if (now - last > STALL_MS) {
      stalls.push({ from: last, to: now, cpuMs: (used.user + used.system - cpu.user - cpu.system) / 1000 });
    }
    last = now;
    cpu = used;
  }, 1);
}

function matched({ from, to, cpuMs }: (typeof stalls)[number]): Stall {
  const within = pauses.map((pause) => Math.min(to, pause.to) - Math.max(from, pause.from));
  return { ms: to - from, cpuMs, gcMs: within.reduce((sum, ms) => sum + Math.max(0, ms), 0) };
}
