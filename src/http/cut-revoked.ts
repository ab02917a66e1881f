import type { Revocations } from '../guard/revocations.ts';
import type { Hub } from '../stream/hub.ts';
import { GrantedAuthorisation } from './granted.ts';

/**
 * Ends running streams whose tokens are revoked, as soon as they are. One look at all streams at a time: what is
 * revoked meanwhile is found by the next, so that many at once cost no more than one after the other.
 *
 * @returns stops it
 */
export function cutRevoked(revocations: Revocations, hub: Hub): () => void {
  let looking = false;
  let more = false;
  return revocations.onChange(() => {
    more = true;
    if (!looking) void look();
  });

  async function look(): Promise<void> {
    looking = true;
    while (more) {
      more = false;
      await hub.review(
        (authorisation) =>
          authorisation instanceof GrantedAuthorisation && revocations.covers(authorisation.grant),
      );
    }
    looking = false;
  }
}
