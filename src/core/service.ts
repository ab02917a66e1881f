/** Whatever runs: started once, stopped once. `start` rejects when it cannot do its work; `stop` never rejects. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts in order; what had started is stopped again, in reverse, when a later one fails. */
export async function startAll(services: readonly Service[]): Promise<void> {
  const started: Service[] = [];
  try {
    for (const service of services) {
      await service.start();
      started.push(service);
    }
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

/** Stops in reverse order of starting. */
export async function stopAll(services: readonly Service[]): Promise<void> {
  for (const service of services.toReversed()) await service.stop();
}
