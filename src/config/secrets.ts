import { join } from 'node:path';
import { InputError } from '../core/coded-error.ts';
import { readErrorText, readFileBytes } from '../core/file-bytes.ts';
import { isReferencePart, type KeyRef } from './reference.ts';

/**
 * The file that a reference means: `SECRETS_DIR/NAME/KEY`. It lies inside `secretsDir` whatever the reference says;
 * symbolic links are followed, since that is how Kubernetes mounts ConfigMaps and Secrets.
 *
 * @throws InputError when a part of the reference is not a plain name
 */
export function secretFile(secretsDir: string, { name, key }: KeyRef): string {
  for (const part of [name, key]) {
    if (!isReferencePart(part)) throw new InputError(`${JSON.stringify(part)} is not a name of a reference`);
  }
  return join(secretsDir, name, key);
}

/**
 * What a reference means, at most `bytesMax` bytes.
 *
 * @throws InputError (names the reference, never the content) when it cannot be read or is too large
 */
export async function readSecret(secretsDir: string, ref: KeyRef, bytesMax: number): Promise<Uint8Array> {
  const file = secretFile(secretsDir, ref);
  let bytes: Uint8Array;
  try {
    bytes = await readFileBytes(file, bytesMax);
  } catch (cause) {
    throw new InputError(`${ref.name}/${ref.key} ${readErrorText(cause)}`, { cause });
  }
  if (bytes.length > bytesMax)
    throw new InputError(`${ref.name}/${ref.key} must be at most ${bytesMax} bytes long`);
  return bytes;
}
