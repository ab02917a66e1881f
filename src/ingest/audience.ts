import type { Audience } from '../core/event.ts';
import type { Carriers } from './carriers.ts';
import type { Publication } from './line.ts';
import { LineError } from './line-error.ts';

/**
 * Whose streams an event is for. The same subject text may mean different people to different guards, so where
 * several guards carry the topic the producer must say which it means.
 *
 * @throws LineError `ambiguous_subject`, `unknown_guard`
 */
export function audienceOf({ event, to, guard }: Publication, carriers: Carriers): Audience | undefined {
  if (to === undefined) {
    if (guard !== undefined) throw new LineError('bad_guard', '"guard" is of use only together with "to"');
    return undefined;
  }
  const guards = carriers.guardsOf(event.topic);
  if (guard !== undefined && !guards.includes(guard)) {
    throw new LineError('unknown_guard', 'the guard does not carry the topic');
  }
  const [only, another] = guard === undefined ? guards : [guard];
  if (only === undefined)
    throw new LineError('unknown_guard', 'no guard carries the topic, so it has no subjects');
  if (another !== undefined) {
    throw new LineError('ambiguous_subject', 'several guards carry the topic: name one in "guard"');
  }
  return { guard: only, subjects: to };
}
