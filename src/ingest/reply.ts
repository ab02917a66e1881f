import type { EventId } from '../core/event-id.ts';
import type { LineErrorCode } from './line-error.ts';

/** All that a producer is ever told, one JSON object a line. */
export type Reply =
  /** The log has the event. `ref` is the line's own. */
  | { readonly id: EventId; readonly ref?: string }
  | {
      readonly error: { readonly code: LineErrorCode; readonly message: string; readonly line: number };
      readonly ref?: string;
    };

export function writeReply(reply: Reply): string {
  const { ref, ...rest } = reply;
  return `${JSON.stringify(ref === undefined ? rest : { ref, ...rest })}\n`;
}
