/** Every key and channel, all in one hash slot when the prefix holds a hash tag, as the default does. */
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
  /** Hash: what is revoked, by a hash of guard and subject, session or token (`revocation-message.ts`). Expires. */
  readonly revocations: string;
  /** Sorted set: when each of them is of no use any more. Expires. */
  readonly revocationsExpiry: string;
  /** String: a random text that changes with every revocation. Expires. */
  readonly revocationsVersion: string;
  /** Channel: every revocation as it comes (`revocation-message.ts`). */
  readonly revoked: string;
  /** String: a logout token that has been taken, by a hash of guard and id. Expires. */
  logout(key: string): string;
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
    revocations: `${prefix}revocations`,
    revocationsExpiry: `${prefix}revocations:expiry`,
    revocationsVersion: `${prefix}revocations:version`,
    revoked: `${prefix}revoked`,
    logout: (key) => `${prefix}logout:${key}`,
  };
}

/** `tidegate:{NAMESPACE/NAME}:`; without a namespace, as in a file, `tidegate:{NAME}:`. */
export function defaultPrefix(namespace: string | undefined, name: string): string {
  return `tidegate:{${namespace === undefined ? name : `${namespace}/${name}`}}:`;
}

/** What a user of Redis may do, as rules of `ACL SETUSER` or of an ACL file. */
export type AclRules = readonly string[];

/** On every connection: is it the master, and has it loaded; then the database, or who owns the hash slot. */
const CONNECT = {
  server: ['info', 'select'],
  cluster: ['info', 'cluster|keyslot', 'cluster|slots'],
} as const;
const PUBLISH = { server: ['publish'], cluster: ['spublish'] } as const;
const SUBSCRIBE = { server: ['subscribe'], cluster: ['ssubscribe'] } as const;
/** What the scripts call counts as if the user had called it; the channel that they are given counts as a key. */
const SCRIPT = ['eval', 'evalsha', 'get', 'set', 'xadd', 'xdel', 'xrange'];
const INGEST = ['script|load', 'expire', 'time', 'xtrim', 'xlen', 'memory|usage', 'wait'];
const GATEWAY = ['xrevrange', 'exists', 'del', 'sadd', 'srem', 'smembers', 'expire'];
const REVOKE = [
  ...['hscan', 'hget', 'hset', 'hdel', 'hlen', 'zadd', 'zrem', 'zrangebyscore', 'zrevrange'],
  ...['pexpireat', 'time'],
];

/**
 * The least rights with which `tidegate ingest` works. Of channels it has the live one alone, so that whoever has a
 * producer's credentials can't speak on the control channels, and it can't see who holds what, or revoke anything.
 */
export function ingestAcl(prefix: string, kind: 'server' | 'cluster' = 'server'): AclRules {
  const { log, head, generation, live, writer, once } = createKeys(literal(prefix));
  return aclRules(
    [log, head, generation, live, writer('*'), once('*')],
    [live],
    [...CONNECT[kind], ...PUBLISH[kind], ...SCRIPT, ...INGEST],
  );
}

/** The least rights with which `tidegate gateway` works. It writes to the log too: what raises one that lost events. */
export function gatewayAcl(prefix: string, kind: 'server' | 'cluster' = 'server'): AclRules {
  const keys = createKeys(literal(prefix));
  const { log, head, generation, live, pod, holders, control, revoked } = keys;
  const { revocations, revocationsExpiry, revocationsVersion, logout } = keys;
  return aclRules(
    [
      ...[log, head, generation, live, pod('*'), holders('*')],
      ...[revocations, revocationsExpiry, revocationsVersion, revoked, logout('*')],
    ],
    [live, control('*'), revoked],
    [...CONNECT[kind], ...PUBLISH[kind], ...SUBSCRIBE[kind], ...SCRIPT, ...GATEWAY, ...REVOKE],
  );
}

function aclRules(
  keys: readonly string[],
  channels: readonly string[],
  commands: readonly string[],
): AclRules {
  return [
    'resetkeys',
    ...keys.map((key) => `~${key}`),
    // Before Redis 7 a new user may use every channel.
    'resetchannels',
    ...channels.map((channel) => `&${channel}`),
    '-@all',
    ...commands.map((command) => `+${command}`),
  ];
}

/** As a pattern that means itself; a rule can't hold white space, so any one character stands for it. */
function literal(prefix: string): string {
  return prefix.replace(/[\\*?[\]]/g, '\\$&').replace(/\s/g, '?');
}
