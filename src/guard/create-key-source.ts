import { FileKeySource } from './file-key-source.ts';
import { InlineKeySource } from './inline-key-source.ts';
import type { JwksSpec, KeySource, KeySourceParts, KeyState } from './key-source.ts';
import { UrlKeySource } from './url-key-source.ts';

/** @param known keys that came from the same place already: they stay until this source has better ones */
export function createKeySource(jwks: JwksSpec, parts: KeySourceParts, known?: KeyState): KeySource {
  if (jwks.uri !== undefined) return new UrlKeySource(jwks.uri, jwks, parts, known);
  if (jwks.configMapKeyRef !== undefined) return new FileKeySource(jwks.configMapKeyRef, parts, known);
  // The schema demands exactly one of the three; an empty text has no usable key.
  return new InlineKeySource(jwks.inline ?? '', parts, known);
}
