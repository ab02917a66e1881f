import { isKubeError, type KubeCode, KubeError } from './kube-error.ts';
import { isJsonObject, type JsonObject } from './kube-object.ts';

/** Whatever the API server asks for, we look again after so long. */
const RETRY_AFTER_MS_MAX = 60_000;
/** Of what the API server says; a refused CRD has many lines. */
const MESSAGE_CHARS_MAX = 1_000;

const CODES: Readonly<Record<number, KubeCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  410: 'gone',
  429: 'too_many',
};

/** Server-side apply of what does not fit the schema: a 500 by name (seen up to Kubernetes 1.36), a 400 by nature. */
const UNFIT = /^failed to create typed patch object/;

/**
 * What an answer other than 2xx says, or an ERROR in a watch.
 *
 * @param what was asked, such as `list jwtguards.tidegate.dev`
 * @param body a Status (API conventions, "Response Status Kind"), or anything else: not every refusal is the API server's
 */
export function refusal(what: string, httpStatus: number, body: unknown, retryAfter?: string): KubeError {
  const status = isJsonObject(body) ? body : {};
  const details = isJsonObject(status['details']) ? status['details'] : {};
  const code = codeOf(httpStatus, status);
  const said = typeof status['message'] === 'string' ? printable(status['message']) : `status ${httpStatus}`;
  // What was not accepted is not to be quoted, by whoever answered.
  const message = code === 'unauthorized' ? 'the credentials are not accepted' : said;
  return new KubeError(code, `${what}: ${message}`, { retryAfterMs: retryAfterMs(details, retryAfter) });
}

/** An ERROR event has no HTTP status of its own; the Status in it names one. */
export function streamRefusal(what: string, body: unknown): KubeError {
  const code = isJsonObject(body) && typeof body['code'] === 'number' ? body['code'] : 500;
  return refusal(what, code, body);
}

/** The version that a list or a watch was to start from is not there any more. */
export function isGone(error: unknown): error is KubeError {
  return isKubeError(error, 'gone');
}

function codeOf(httpStatus: number, status: JsonObject): KubeCode {
  const known = CODES[httpStatus];
  if (known === 'conflict') return status['reason'] === 'AlreadyExists' ? 'already_exists' : 'conflict';
  if (known !== undefined) return known;
  if (httpStatus === 500 && UNFIT.test(String(status['message']))) return 'invalid';
  if (httpStatus >= 500) return 'unavailable';
  return httpStatus >= 400 ? 'invalid' : 'malformed';
}

/** In seconds, in the header or in the Status. */
function retryAfterMs(details: JsonObject, header: string | undefined): number {
  const seconds = /^\d{1,9}$/.test(header ?? '') ? Number(header) : details['retryAfterSeconds'];
  return typeof seconds === 'number' ? Math.min(Math.max(0, seconds * 1000), RETRY_AFTER_MS_MAX) : 0;
}

function printable(message: string): string {
  const line = message.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > MESSAGE_CHARS_MAX ? `${line.slice(0, MESSAGE_CHARS_MAX)}…` : line;
}
