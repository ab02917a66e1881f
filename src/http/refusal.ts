import { CodedError } from '../core/coded-error.ts';

/** What every refused request comes down to: one row per code. Nothing else in the project sets an error status. */
export const REFUSALS = {
  // RFC 6750, 3.1: the request itself is wrong.
  conflicting_tokens: [400, 'The request holds two different tokens.', 'invalid_request'],
  last_event_id_too_long: [400, 'The last event id is longer than 254 bytes.'],
  unexpected_body: [400, 'A stream is opened by a GET without a body.'],
  pipelined: [400, 'A stream is opened when the answers to earlier requests are through.'],
  missing_challenge_id: [400, "The answer lacks the challenge's `challenge-id` header."],
  bad_request: [400, 'The request is not valid HTTP.'],
  bad_json: [400, 'The body is not a JSON object in UTF-8.'],
  bad_token_request: [400, 'The token can not be minted as asked for.'],
  bad_event: [400, 'The event is refused.'],
  bad_revocation: [400, 'What is to be revoked is not said as it must be.'],
  bad_logout_token: [400, 'The logout token is not valid.'],
  repeated_logout_token: [400, 'Another logout token of this id has been taken before.'],
  // RFC 6750, 3: no credentials at all, hence no error code in the challenge.
  missing: [401, 'This stream needs a bearer token.', null],
  malformed: [401, 'The token is not a well-formed JWT for this stream.', 'invalid_token'],
  expired: [401, 'The token has expired.', 'invalid_token'],
  not_yet_valid: [401, 'The token is not valid yet.', 'invalid_token'],
  too_long_lived: [401, 'The token is valid for longer than this stream allows.', 'invalid_token'],
  unknown_key: [401, 'The token is signed by a key that is not known.', 'invalid_token'],
  bad_signature: [401, "The token's signature does not verify.", 'invalid_token'],
  algorithm: [401, "The token's algorithm is not allowed.", 'invalid_token'],
  wrong_issuer: [401, 'The token is from an issuer that this stream does not accept.', 'invalid_token'],
  wrong_audience: [401, 'The token is for another audience.', 'invalid_token'],
  revoked: [401, 'The token has been revoked.', 'invalid_token'],
  missing_credential: [401, 'This needs the credential for revocations.', null],
  wrong_credential: [401, 'This is not the credential for revocations.', 'invalid_token'],
  insufficient_scope: [403, 'The token lacks a scope that this stream requires.', 'insufficient_scope'],
  topic_forbidden: [403, 'A topic that was asked for is not granted.'],
  foreign_origin: [403, 'This origin is not allowed.'],
  foreign_host: [403, 'This is served as localhost, 127.0.0.1 or [::1] only.'],
  foreign_peer: [403, 'This is served to the machine it runs on only.'],
  other_subject: [403, "The token is not for the stream's subject."],
  claims_changed: [403, 'The token would change the topics of the stream.'],
  not_found: [404, 'There is no stream at this path.'],
  no_such_challenge: [404, 'No open stream waits for this answer.'],
  method_not_allowed: [405, 'The method is not allowed here.'],
  not_later: [409, "The token expires no later than the stream's."],
  request_timeout: [408, 'The request did not come in time.'],
  too_large: [413, 'The body is larger than is accepted here.'],
  unsupported_media_type: [415, 'A POST here is an answer: application/x-challenge-response.'],
  not_json: [415, 'A POST here is application/json.'],
  not_a_form: [415, 'A POST here is application/x-www-form-urlencoded.'],
  headers_too_large: [431, 'The headers are larger than 16 KiB.'],
  per_subject: [429, 'Too many streams are open for this subject.'],
  too_many_answers: [429, 'Too many answers for this subject.'],
  too_many_revocations: [429, 'Too many revocations at once.'],
  full: [503, 'This server holds as many streams as it may.'],
  draining: [503, 'This server is about to stop.'],
  not_ready: [503, 'This server is not ready.'],
  owner_unreachable: [503, 'The server that holds the stream did not answer in time.'],
  revocations_unavailable: [503, 'Nothing has been revoked: Redis did not take it. Repeating it is safe.'],
  revocations_full: [507, 'Nothing has been revoked: as many revocations are kept as may be.'],
  internal: [500, 'An error of the server; it has been logged.'],
} as const satisfies Record<string, readonly [number, string, (string | null)?]>;

export type RefusalCode = keyof typeof REFUSALS;

/** A request that is refused, for whatever reason. The client gets its code, never its cause. */
export class Refusal extends CodedError<RefusalCode> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What is wrong with this very request (RFC 9457, 3.1.4); held to the same silence about tokens and payloads. */
  readonly detail: string | undefined;

  constructor(
    code: RefusalCode,
    headers: Readonly<Record<string, string>> = {},
    cause?: unknown,
    detail?: string,
  ) {
    const [status, title] = REFUSALS[code];
    super(code, title, { cause, retryable: status === 429 || status === 503 });
    this.status = status;
    this.headers = { ...challenge(code), ...headers };
    this.detail = detail;
  }
}

/** RFC 6750, 3: names the scopes that would do. They are the configuration's, not the token's. */
export function insufficientScope(scopes: readonly string[]): Refusal {
  const challenge = `Bearer realm="tidegate", error="insufficient_scope", scope="${scopes.join(' ')}"`;
  return new Refusal('insufficient_scope', { 'www-authenticate': challenge });
}

/** RFC 9457. `code` is ours and stable; the rest may be reworded. */
export function problem({ code, detail, message, status }: Refusal): string {
  return `${JSON.stringify({ type: 'about:blank', title: message, status, code, detail })}\n`;
}

/** RFC 6750, 3: what a client is told about the token it lacks or sent. */
function challenge(code: RefusalCode): Record<string, string> {
  const [, title, error]: readonly [number, string, (string | null)?] = REFUSALS[code];
  if (error === undefined) return {};
  const parameters = error ? `, error="${error}", error_description="${title.replaceAll('"', "'")}"` : '';
  return { 'www-authenticate': `Bearer realm="tidegate"${parameters}` };
}
