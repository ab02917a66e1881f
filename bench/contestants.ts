/** Who is measured beside whom. */
import type { Native } from './native.ts';
import { buildCentrifugo, buildMercure, startCentrifugo, startMercure } from './servers/go-peers.ts';
import { noNchan, startNchan } from './servers/nchan.ts';
import { startNodeServer } from './servers/node-server.ts';
import { lineServer, type Server, ServerProcess } from './servers/server.ts';
import { startTidegate } from './servers/tidegate.ts';

type Start = () => Promise<Server>;

export const CONTESTANTS: Readonly<Record<string, (native: Native) => Promise<Start>>> = {
  floor:
    async ({ floor }) =>
    () =>
      lineServer(new ServerProcess(floor, [])),
  tidegate:
    async ({ directory }) =>
    () =>
      startTidegate(directory),
  async nchan({ directory }) {
    if (noNchan !== undefined) throw new Error(noNchan);
    return () => startNchan(directory);
  },
  async centrifugo({ directory }) {
    const program = await buildCentrifugo();
    return () => startCentrifugo(program, directory);
  },
  async mercure() {
    const program = await buildMercure();
    return () => startMercure(program);
  },
  'koa-pass-through': async () => () => startNodeServer('koa-pass-through'),
  'better-sse': async () => () => startNodeServer('better-sse'),
};

export interface Ready {
  readonly name: string;
  readonly start: Start;
}

/** @returns who can be started here, and a sentence for each who can't */
export async function prepare(names: readonly string[], native: Native) {
  const ready: Ready[] = [];
  const missing: string[] = [];
  for (const name of names) {
    const contestant = CONTESTANTS[name];
    if (contestant === undefined) {
      throw new Error(`there is no ${name}; there are ${Object.keys(CONTESTANTS).join(', ')}`);
    }
    try {
      ready.push({ name, start: await contestant(native) });
    } catch (error) {
      missing.push(`${name} is not measured: ${error instanceof Error ? error.message : error}`);
    }
  }
  for (const sentence of missing) console.log(sentence);
  return { ready, missing };
}
