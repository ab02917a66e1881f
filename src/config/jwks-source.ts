import * as z from 'zod';
import { cel, celMatches } from './cel.ts';
import { duration } from './duration.ts';
import { keyRef } from './reference.ts';
import { rule } from './validate.ts';

const URI_CHARACTERS_MAX = 2_048;
/** 64 KiB of a JWK set are some 150 RSA keys. */
const INLINE_CHARACTERS_MAX = 65_536;

const URI_SENTENCE = 'must be an https URL without credentials (http only to a loopback host)';
const KEY_SET_SENTENCE = 'must be a JWK set as JSON: {"keys": […]} with at least one key';
const SECRET_SENTENCE = 'must hold public keys only, but one is private or symmetric';
const ONE_SENTENCE = 'must have exactly one of uri, inline, configMapKeyRef';
const CA_SENTENCE = 'is of use only with uri';

// By pattern: CEL's own URL functions lose the length of the text, and with it the bound on what a rule may cost.
const LOOPBACK_RE2 = '(localhost|127([.][0-9]+){3}|[[]::1[]])(:[0-9]*)?([/?#]|$)';
const HTTPS_RULE = celMatches('(?i)^https://[^/?#@:][^/?#@]*([/?#]|$)');
const URI_RULE = `isURL(self) && (${HTTPS_RULE} || ${celMatches(`(?i)^http://${LOOPBACK_RE2}`)})`;
/** https to a host that `isLoopbackUrl` does not know. */
export const CEL_REMOTE_HTTPS = `${HTTPS_RULE} && !${celMatches(`(?i)^https://${LOOPBACK_RE2}`)}`;

/** Where a guard's public keys come from. */
export const jwksSource = z
  .strictObject({
    uri: z
      .string()
      .max(URI_CHARACTERS_MAX)
      .refine(isKeySetUri, rule(URI_SENTENCE))
      .meta(cel({ rule: URI_RULE, message: URI_SENTENCE }))
      .exactOptional()
      .describe('URL of the JWK set; https, or in file mode http to a loopback host.'),
    inline: z
      .string()
      .max(INLINE_CHARACTERS_MAX)
      .check(keySetText)
      // CEL reads no JSON: a near miss is found by the pods, a key that should be secret here already.
      .meta(
        cel(
          { rule: `self.matches(r'"keys"\\s*:\\s*\\[\\s*[^\\s\\]]')`, message: KEY_SET_SENTENCE },
          { rule: `!self.matches(r'"[dk]"\\s*:')`, message: SECRET_SENTENCE },
        ),
      )
      .exactOptional()
      .describe('The JWK set itself as JSON, public keys only.'),
    configMapKeyRef: keyRef('ConfigMap').exactOptional(),
    refreshInterval: duration('1s', '24h').prefault('10m').describe('How often `uri` is fetched again.'),
    caConfigMapKeyRef: keyRef('ConfigMap')
      .exactOptional()
      .describe('CA certificates (PEM) to trust for `uri` instead of the system roots.'),
  })
  .refine(hasOneSource, { error: ONE_SENTENCE })
  .refine(({ uri, caConfigMapKeyRef }) => caConfigMapKeyRef === undefined || uri !== undefined, {
    path: ['caConfigMapKeyRef'],
    error: CA_SENTENCE,
  })
  .meta(
    cel(
      {
        rule: '[has(self.uri), has(self.inline), has(self.configMapKeyRef)].exists_one(given, given)',
        message: ONE_SENTENCE,
      },
      {
        rule: '!has(self.caConfigMapKeyRef) || has(self.uri)',
        message: CA_SENTENCE,
        fieldPath: '.caConfigMapKeyRef',
      },
    ),
  )
  .describe('Where the public keys come from: exactly one of uri, inline, configMapKeyRef.');

/** Whether plain http may be spoken to this URL in file mode: nobody can listen in on the way. */
export function isLoopbackUrl(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d+){3}$/.test(url.hostname);
}

function isKeySetUri(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackUrl(url));
}

function hasOneSource(source: { uri?: unknown; inline?: unknown; configMapKeyRef?: unknown }): boolean {
  return (
    [source.uri, source.inline, source.configMapKeyRef].filter((each) => each !== undefined).length === 1
  );
}

/** The form only; which of the keys are of use is the guard's to say. The text is not kept in the issue. */
function keySetText({ value, issues }: z.core.ParsePayload<string>): void {
  const message = keySetSentence(value);
  if (message !== undefined) issues.push({ code: 'custom', message, input: undefined, continue: true });
}

function keySetSentence(text: string): string | undefined {
  const keys = keysOf(text);
  if (keys === undefined) return KEY_SET_SENTENCE;
  return keys.some(isSecret) ? SECRET_SENTENCE : undefined;
}

function keysOf(text: string): readonly unknown[] | undefined {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys))
    return undefined;
  return set.keys.length > 0 ? set.keys : undefined;
}

/** RFC 7518, sections 6.2.2, 6.3.2 and 6.4: `d` is a private key's, `k` a symmetric key's. */
function isSecret(key: unknown): boolean {
  return typeof key === 'object' && key !== null && ('d' in key || 'k' in key);
}
