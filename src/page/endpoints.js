/** The two endpoints that `tidegate dev` has for this page: one mints tokens, one takes events. */

/**
 * @param {{ sub: string, ttl: number }} request whom it is for, and for how many seconds
 * @returns {Promise<{ token: string, expiresAt: number }>} `expiresAt` in milliseconds since the Unix epoch
 */
export async function mintToken(request) {
  return post('/dev/token', request);
}

/**
 * @param {{ data: string, event?: string, topic?: string }} event
 * @returns {Promise<string>} the event's id
 */
export async function sendEvent(event) {
  const { id } = await post('/dev/events', event);
  return id;
}

/**
 * What a refusal says of itself (RFC 9457), in one line.
 *
 * @param {Response} response
 * @returns {Promise<string>}
 */
export async function problemOf(response) {
  try {
    const { code, detail, title } = await response.json();
    return `${response.status} ${code}: ${detail ?? title}`;
  } catch {
    return `${response.status} ${response.statusText}`.trim();
  }
}

/**
 * @param {string} path
 * @param {object} body
 */
async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await problemOf(response));
  return response.json();
}
