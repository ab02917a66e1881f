import { parseJson } from './body.ts';
import { KubeError } from './kube-error.ts';
import { isJsonObject, type KubeObject, parseObject } from './kube-object.ts';
import { streamRefusal } from './refusal.ts';

/** What a watch tells, in the order in which it happened. */
export type WatchEvent =
  /** `added` also for what was there before, as far as the watch began before it; so it may be known already. */
  | { readonly kind: 'added' | 'modified' | 'deleted'; readonly object: KubeObject }
  /** All up to this version has been told. */
  | { readonly kind: 'bookmark'; readonly resourceVersion: string };

/**
 * @param what was asked, for the message
 * @throws KubeError what the API server put into the stream as an ERROR, or `malformed`
 */
export function parseWatchEvent(line: string, what: string): WatchEvent {
  const event = parseJson(line);
  if (!isJsonObject(event)) throw malformed();
  const { type, object } = event;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { kind: KINDS[type], object: parseObject(object) };
    case 'BOOKMARK':
      return { kind: 'bookmark', resourceVersion: bookmarkVersion(object) };
    case 'ERROR':
      throw streamRefusal(what, object);
    default:
      throw malformed();
  }
}

const KINDS = { ADDED: 'added', MODIFIED: 'modified', DELETED: 'deleted' } as const;

/** The object of a bookmark has a version and nothing else. */
function bookmarkVersion(object: unknown): string {
  const metadata = isJsonObject(object) ? object['metadata'] : undefined;
  const version = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  if (typeof version !== 'string' || version === '') throw malformed();
  return version;
}

function malformed(): KubeError {
  return new KubeError('malformed', 'the API server sent what is not a watch event');
}
