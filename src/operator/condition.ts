import type { Condition } from '../config/status.ts';
import type { EpochMs } from '../core/brand.ts';

/** What has been found about one thing, before it is known whether it is new. */
export interface Finding {
  readonly type: string;
  readonly status: Condition['status'];
  /** In CamelCase, for programs. */
  readonly reason: string;
  /** Ends with what to do next, where something is to be done. */
  readonly message: string;
}

const MESSAGE_CHARACTERS_MAX = 4_096;
const LISTED_MAX = 5;

/** The time of a transition is that of `status`: another reason or message is no transition (API conventions). */
export function conditionsOf(
  findings: readonly Finding[],
  before: readonly Condition[],
  observedGeneration: number,
  now: EpochMs,
): readonly Condition[] {
  return findings.map(({ type, status, reason, message }) => {
    const known = before.find((each) => each.type === type);
    return {
      type,
      status,
      observedGeneration,
      lastTransitionTime: known?.status === status ? known.lastTransitionTime : seconds(now),
      reason,
      message: message.slice(0, MESSAGE_CHARACTERS_MAX),
    };
  });
}

/** Those whose status or reason is another than before: what an Event is worth. */
export function turned(now: readonly Condition[], before: readonly Condition[]): readonly Condition[] {
  return now.filter((each) => {
    const known = before.find(({ type }) => type === each.type);
    return known?.status !== each.status || known.reason !== each.reason;
  });
}

/** `a; b; and 3 more` */
export function listed(texts: readonly string[]): string {
  const rest = texts.length - LISTED_MAX;
  const more = rest > 0 ? [`and ${rest} more`] : [];
  return [...texts.slice(0, LISTED_MAX), ...more].join('; ');
}

/** `metav1.Time` has no fractions. */
function seconds(time: EpochMs): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
