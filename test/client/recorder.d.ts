import type { GuardedEventSource, GuardedEventSourceInit } from '../../client/guarded-event-source.js';
import type { Entry } from './recorded-source.ts';

/** Runs in the browser as in Node: a source, and everything that it tells, in order. */
export function record(
  Source: typeof GuardedEventSource,
  url: string,
  init?: GuardedEventSourceInit,
): { readonly source: GuardedEventSource; readonly entries: readonly Entry[] };
