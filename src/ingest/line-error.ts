import { CodedError } from '../core/coded-error.ts';

/** Why a line is refused (contract, section 6). Stable; the messages may be reworded. */
export const LINE_ERROR_CODES = [
  'not_json',
  'not_object',
  'no_data',
  'bad_utf8',
  'lone_surrogate',
  'too_deep',
  'too_large',
  'unknown_field',
  'duplicate_field',
  'bad_event',
  'reserved_event',
  'bad_topic',
  'bad_to',
  'bad_guard',
  'bad_ref',
  'bad_key',
  'ambiguous_subject',
  'unknown_guard',
  'unavailable',
  'http_request',
  'too_many_errors',
] as const;
export type LineErrorCode = (typeof LINE_ERROR_CODES)[number];

/** A refused line. The message names the field and the rule, never the payload. */
export class LineError extends CodedError<LineErrorCode> {}
