/**
 * Every key and channel, all in one hash slot when the prefix holds a hash tag, as the default does.
 *
 * Least rights (Redis ACL), for the prefix `P`:
 * - ingest: `~P* &P:live … -@all` and the commands of `INGEST_COMMANDS`; channel `Plive` only, so that whoever has a
 *   producer's credentials can't speak on the control channels
 * - gateways: `~P* &P*` and the commands of `GATEWAY_COMMANDS`
 */
export interface Keys {
  /** Stream: the log. Fields `p` previous id, `w` writer's mark, `r` record (`record.ts`). */
  readonly log: string;
  /** String: id of the last event, also when the log has let go of it. */
  readonly head: string;
  /** String: a random text that changes whenever the log is known to have lost events. */
  readonly generation: string;
  /** Channel: every event as it is appended, and probes (`live-message.ts`). */
  readonly live: string;
  /** String: the epoch of one ingest process; what it sent under an earlier one is refused. Expires. */
  writer(writer: string): string;
  /** String: id of the first event with an idempotency key. Expires. */
  once(key: string): string;
  /** String: the lease of one gateway process. Expires. */
  pod(pod: string): string;
  /** Set: gateway processes that hold streams of this name, the hash of a guard and a subject. Expires. */
  holders(name: string): string;
  /** Channel: questions and answers for one gateway process. */
  control(pod: string): string;
}

export function createKeys(prefix: string): Keys {
  return {
    log: `${prefix}log`,
    head: `${prefix}head`,
    generation: `${prefix}generation`,
    live: `${prefix}live`,
    writer: (writer) => `${prefix}writer:${writer}`,
    once: (key) => `${prefix}once:${key}`,
    pod: (pod) => `${prefix}pod:${pod}`,
    holders: (name) => `${prefix}holders:${name}`,
    control: (pod) => `${prefix}control:${pod}`,
  };
}

/** `tidegate:{NAMESPACE/NAME}:`; without a namespace, as in a file, `tidegate:{NAME}:`. */
export function defaultPrefix(namespace: string | undefined, name: string): string {
  return `tidegate:{${namespace === undefined ? name : `${namespace}/${name}`}}:`;
}
