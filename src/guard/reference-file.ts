import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { KeyRef } from '../config/reference.ts';
import { KeySetError } from './key-set-error.ts';

/** 1 MiB, also the limit of a ConfigMap. */
const FILE_BYTES_MAX = 1_048_576;

/**
 * `SECRETS_DIR/NAME/KEY`. A path is opened anew each time, so a swapped symlink, as in Kubernetes mounts, is followed.
 *
 * @throws KeySetError `unreadable` or `too_large`
 */
export async function readReference(secretsDir: string | undefined, { name, key }: KeyRef): Promise<string> {
  if (secretsDir === undefined) throw new KeySetError('unreadable', 'no directory for references is given');
  try {
    await using file = await open(join(secretsDir, name, key));
    const { size } = await file.stat();
    if (size > FILE_BYTES_MAX) throw new KeySetError('too_large', 'the file is over 1 MiB');
    return await file.readFile('utf8');
  } catch (cause) {
    if (cause instanceof KeySetError) throw cause;
    throw new KeySetError('unreadable', 'the file cannot be read', { cause });
  }
}
