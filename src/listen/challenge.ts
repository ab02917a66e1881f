import { CodedError } from '../core/coded-error.ts';

/** The gateway's own are below 200 bytes; what is larger is not a challenge. */
const CHALLENGE_BYTES_MAX = 1024;

/** A header's name is a token, its value visible ASCII (RFC 9110, 5.1 and 5.5). */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const VALUE = /^[\t\x20-\x7e]*$/;

/** What would change who is asked, who asks, or where the request ends. */
const FORBIDDEN = new Set([
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** How the server wants to be answered. */
export interface Challenge {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
}

/** A challenge that is not to be followed; the message says why. */
export class ChallengeError extends CodedError<'bad_challenge'> {
  constructor(why: string, options: { cause?: unknown } = {}) {
    super('bad_challenge', why, options);
  }
}

/**
 * @param text the data of an `event:challenge`
 * @throws {ChallengeError}
 */
export function parseChallenge(text: string): Challenge {
  if (Buffer.byteLength(text) > CHALLENGE_BYTES_MAX) throw new ChallengeError('it is larger than 1 KiB');
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) throw new ChallengeError('it is not an object');
  if (!('method' in value) || value.method !== 'POST') throw new ChallengeError('its method is not POST');
  const given = 'headers' in value ? value.headers : {};
  if (typeof given !== 'object' || given === null) throw new ChallengeError('its headers are not an object');
  const headers: Record<string, string> = {};
  for (const [name, content] of Object.entries(given)) {
    if (!NAME.test(name)) throw new ChallengeError('it names a header that cannot exist');
    if (FORBIDDEN.has(name.toLowerCase()) || /^proxy-/i.test(name)) {
      throw new ChallengeError(`it sets the header ${name.toLowerCase()}`);
    }
    if (typeof content !== 'string' || !VALUE.test(content)) {
      throw new ChallengeError(`its header ${name.toLowerCase()} is not a line of text`);
    }
    headers[name] = content;
  }
  return { method: 'POST', headers };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ChallengeError('it is not JSON', { cause });
  }
}
