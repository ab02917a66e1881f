/**
 * Why a stream ends, as data: what the client is told, whether it should come back, and the metric label.
 * `client_gone` and `failed` have no wire form: there is nobody left to tell.
 */
export const CLOSE_REASONS = {
  token_expired: { reconnect: false },
  revoked: { reconnect: false },
  guard_changed: { reconnect: false },
  slow_consumer: { reconnect: true },
  draining: { reconnect: true },
  max_age: { reconnect: true },
} as const satisfies Record<string, { reconnect: boolean }>;

export type CloseReason = keyof typeof CLOSE_REASONS;

/** Reasons for which a client that asks for an event stream is told to come back later instead of getting an error. */
export type TurnAwayReason = 'full' | 'draining' | 'not_ready';
