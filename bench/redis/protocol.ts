/** What the processes of the Redis benches say and are told over their IPC channels. */

/**
 * `bare`: ioredis, counting messages. `follow`: RedisSubscriber, counting events. `hub`: RedisSubscriber and a Hub
 * without streams, so every event is encoded and put into the ring.
 */
export type FollowerKind = 'bare' | 'follow' | 'hub';
export type ToFollower = { readonly kind: 'expect'; readonly events: number };
export type FromFollower =
  | { readonly kind: 'following' }
  | { readonly kind: 'expecting' }
  /** Its own CPU time since it was told to expect; events that did not come through the live channel. */
  | { readonly kind: 'arrived'; readonly microseconds: number; readonly backfilled: number };

/** `tidegate`: RedisPublisher. `bare`: PUBLISH in pipelines, of messages as long, that nobody keeps. */
export type PublisherKind = 'tidegate' | 'bare';
export type ToPublisher = {
  readonly kind: 'publish';
  readonly events: number;
  /** Absent: flat out, as many unanswered as ingest allows one producer. */
  readonly perSecond?: number;
};
export type FromPublisher =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'published';
      readonly seconds: number;
      readonly microseconds: number;
      readonly last: string;
    };

export const PREFIX = 'tidegate:{bench}:';

/** 150 bytes, a small JSON document as a string; the load client wants a stamp and a marker at the end. */
export const DATA =
  `{"instrument":"ABCDEF-EUR","side":"sell","price":"1234.5600","quantity":"17.250","venue":"XETR","note":"`
    .padEnd(131, 'x')
    .concat(`"}${'0'.repeat(16)}~`);
