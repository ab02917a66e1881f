/** A peer in Node, with `probe.ts` beside it as Tidegate has it. */
import { once } from 'node:events';
import { join } from 'node:path';
import type { Memory, ToProbe } from './probe.ts';
import { lineServer, type Server, ServerProcess } from './server.ts';

export const PROBING = ['--expose-gc', '--import', join(import.meta.dirname, 'probe.ts')];

/** @param name of its file beside this one */
export async function startNodeServer(name: string): Promise<Server & { memory(): Promise<Memory> }> {
  const args = [...PROBING, join(import.meta.dirname, `${name}.ts`)];
  const process = new ServerProcess(globalThis.process.execPath, args, true);
  return { ...(await lineServer(process)), memory: () => askProbe(process, { ask: 'memory' }) };
}

/** One question at a time. */
export async function askProbe<T>({ child }: ServerProcess, question: ToProbe): Promise<T> {
  const answer = once(child, 'message') as Promise<[T]>;
  child.send(question);
  return (await answer)[0];
}
