/** RFC 6750, 2.3, and the default of `credentials.query`. */
const TOKEN_PARAMETER = 'access_token';
/** Three base64url parts, the first of which begins like a JSON object: a token in a parameter of another name. */
const JWT = /^eyJ[\w-]+\.[\w-]*\.[\w-]*$/;

/** The stream's URL with the topics that are asked for. */
export function withTopics(url: URL, topics: readonly string[]): URL {
  const asked = new URL(url);
  for (const topic of topics) asked.searchParams.append('topic', topic);
  return asked;
}

/** The same without a token in its query: next to a token in a header it is an old one, or a second one. */
export function withoutToken(url: URL): URL {
  const tokens = [...url.searchParams].filter(([name, value]) => name === TOKEN_PARAMETER || JWT.test(value));
  // Untouched when there is none: `searchParams` writes a query anew in its own spelling.
  if (tokens.length === 0) return url;
  const clean = new URL(url);
  for (const [name] of tokens) clean.searchParams.delete(name);
  return clean;
}

/** The stream as messages name it: without its query, which may hold anything. */
export function placeName(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
