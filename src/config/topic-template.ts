import { CLAIM_PATH_RE2, parseClaimPath } from './claim-path.ts';

/** A topic as configured: text that stands for itself and claim paths that the token fills. */
export type TopicTemplate = readonly (string | { readonly claim: readonly string[] })[];

/** `}` may stand in a quoted name of the path. */
const PLACEHOLDER = /\$\{((?:[^"{}]|"[^"]*")*)\}/g;

/** The same for an API server: RE2 has no look-ahead, so dollars are taken together with what follows them. */
export const TOPIC_TEMPLATE_RE2 = String.raw`^([^$]|\$+[^{$]|\$+\{${CLAIM_PATH_RE2}\})*\$*$`;

/**
 * `orders.${sub}` as its parts; a template without `${` is one text.
 *
 * @returns `undefined` when a `${` is not closed or what it holds is not a claim path
 */
export function parseTopicTemplate(text: string): TopicTemplate | undefined {
  const parts: (string | { readonly claim: readonly string[] })[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    const claim = parseClaimPath(match[1] ?? '');
    if (claim === undefined) return undefined;
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push({ claim });
    end = match.index + match[0].length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts.some((part) => typeof part === 'string' && part.includes('${')) ? undefined : parts;
}
