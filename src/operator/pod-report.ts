import { isJsonObject } from '../kube/kube-object.ts';

/** What a gateway pod says of itself on its admin port. */
export interface PodReport {
  /** By name. */
  readonly guards: ReadonlyMap<string, GuardReport>;
  readonly connections: number;
  /** Why it could not be asked the last time; the rest is then what it said before. */
  readonly fault: string | undefined;
}

export interface GuardReport {
  /** Absent: the pod does not say which guard of this name it means. */
  readonly uid: string | undefined;
  /** In force, with its cuts done. */
  readonly generation: number;
  readonly keys: number;
  readonly keysError: string | undefined;
}

export const SILENT: PodReport = { guards: new Map(), connections: 0, fault: 'not asked yet' };

/** @returns `undefined` when the answer is not one of a gateway's `/status` */
export function parsePodReport(value: unknown): PodReport | undefined {
  if (!isJsonObject(value) || !Array.isArray(value['guards'])) return undefined;
  const guards = new Map<string, GuardReport>();
  for (const each of value['guards']) {
    if (!isJsonObject(each)) return undefined;
    const { name, uid, keys, keysError } = each;
    // Absent while the first one's cuts are under way. `generation` beside it is merely what tokens are judged by.
    const generation = each['enforcedGeneration'] ?? 0;
    if (typeof name !== 'string' || typeof generation !== 'number' || typeof keys !== 'number')
      return undefined;
    guards.set(name, {
      uid: typeof uid === 'string' ? uid : undefined,
      generation,
      keys,
      keysError: typeof keysError === 'string' ? keysError : undefined,
    });
  }
  const { connections } = value;
  return { guards, connections: typeof connections === 'number' ? connections : 0, fault: undefined };
}
