import type { EventId } from '../core/event-id.ts';
import { CLOSE_REASONS, type CloseReason, type TurnAwayReason } from './close-reason.ts';

/** All that a stream may carry. Grammar: WHATWG HTML, "Server-sent events", 9.2.5. */
export type Block =
  | { readonly kind: 'opening'; readonly retryMs: number; readonly head?: EventId }
  | { readonly kind: 'event'; readonly id: EventId; readonly type?: string; readonly data: string }
  | { readonly kind: 'challenge'; readonly challengeId?: string }
  | { readonly kind: 'gap'; readonly requested: string; readonly oldest: EventId | null }
  | { readonly kind: 'position'; readonly id: EventId }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'end'; readonly reason: CloseReason; readonly retryMs?: number }
  | { readonly kind: 'turn_away'; readonly reason: TurnAwayReason; readonly retryMs: number };

/** The content type that makes a request an answer, without parameters. */
export const ANSWER_CONTENT_TYPE = 'application/x-challenge-response';

/**
 * @returns the block's text, LF only, ended by a blank line
 * @throws TypeError when an id or a type would break out of its line; ingest refuses such values long before
 */
export function encode(block: Block): string {
  switch (block.kind) {
    case 'opening':
      return `${field('retry', String(block.retryMs))}${block.head === undefined ? '' : field('id', block.head)}\n`;
    case 'event':
      return `${field('id', block.id)}${block.type === undefined ? '' : field('event', block.type)}${lines(block.data)}\n`;
    case 'challenge':
      return `event:challenge\ndata:${challenge(block.challengeId)}\n\n`;
    case 'gap':
      return `event:gap\ndata:${JSON.stringify({ requested: block.requested, oldest: block.oldest })}\n\n`;
    case 'position':
      // Sets the client's last event id and dispatches nothing, since there is no data (9.2.6).
      return `${field('id', block.id)}\n`;
    case 'heartbeat':
      return ':\n\n';
    case 'end':
      return end(block.reason, CLOSE_REASONS[block.reason].reconnect, block.retryMs);
    case 'turn_away':
      return end(block.reason, true, block.retryMs);
  }
}

function end(reason: string, reconnect: boolean, retryMs: number | undefined): string {
  const retry = retryMs === undefined ? '' : field('retry', String(retryMs));
  return `${retry}event:end\ndata:${JSON.stringify({ reason, reconnect })}\n\n`;
}

function challenge(challengeId: string | undefined): string {
  const id = challengeId === undefined ? {} : { 'challenge-id': challengeId };
  return JSON.stringify({ method: 'POST', headers: { 'content-type': ANSWER_CONTENT_TYPE, ...id } });
}

function field(name: string, value: string): string {
  // NUL in an id makes the client ignore the whole field (9.2.6).
  if (/[\r\n\0]/.test(value)) throw new TypeError(`${name} holds CR, LF or NUL`);
  return `${name}:${escapeSpace(value)}\n`;
}

function lines(text: string): string {
  // One scan in the common case of a single line.
  if (!/[\r\n]/.test(text)) return `data:${escapeSpace(text)}\n`;
  let block = '';
  for (const line of text.split(/\r\n|\r|\n/)) block += `data:${escapeSpace(line)}\n`;
  return block;
}

/** A parser drops one space after the colon, so a value that begins with one gets another. */
function escapeSpace(value: string): string {
  return value.startsWith(' ') ? ` ${value}` : value;
}
