/** What a benchmark's server process says and is told over its IPC channel. */
export type ToServer =
  | { readonly kind: 'publish'; readonly data: string }
  | { readonly kind: 'cpu' }
  | { readonly kind: 'mint'; readonly expiresAtS: number };
export type FromServer =
  | { readonly kind: 'listening'; readonly port: number; readonly path: string; readonly token?: string }
  | { readonly kind: 'cpu'; readonly microseconds: number; readonly rssBytes: number }
  | { readonly kind: 'minted'; readonly token: string };

export interface ServerActs {
  publish(data: string): void;
  /** A token that expires at this second; only a server that guards its streams has one. */
  mint?(expiresAtS: number): Promise<string>;
}

/** Serves the IPC channel of a server process: tells where it listens, publishes, reports its own CPU time. */
export function serve(listening: FromServer, { mint, publish }: ServerActs): void {
  process.on('message', async (message: ToServer) => {
    if (message.kind === 'publish') return publish(message.data);
    if (message.kind === 'mint') {
      const token = (await mint?.(message.expiresAtS)) ?? '';
      process.send?.({ kind: 'minted', token } satisfies FromServer);
      return;
    }
    const { user, system } = process.cpuUsage();
    const { rss } = process.memoryUsage();
    process.send?.({ kind: 'cpu', microseconds: user + system, rssBytes: rss } satisfies FromServer);
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(listening);
}
