/** What a benchmark's server process says and is told over its IPC channel. */
export type ToServer = { readonly kind: 'publish'; readonly data: string } | { readonly kind: 'cpu' };
export type FromServer =
  | { readonly kind: 'listening'; readonly port: number; readonly path: string; readonly token?: string }
  | { readonly kind: 'cpu'; readonly microseconds: number; readonly rssBytes: number };

/** Serves the IPC channel of a server process: tells where it listens, publishes, reports its own CPU time. */
export function serve(listening: FromServer, publish: (data: string) => void): void {
  process.on('message', (message: ToServer) => {
    if (message.kind === 'publish') return publish(message.data);
    const { user, system } = process.cpuUsage();
    const { rss } = process.memoryUsage();
    process.send?.({ kind: 'cpu', microseconds: user + system, rssBytes: rss } satisfies FromServer);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(listening);
}
