import { readErrorText, readFileBytes } from '../core/file-bytes.ts';
import { TokenSourceError } from './token-source.ts';

const FILE_BYTES_MAX = 16 * 1024;

/** @throws {TokenSourceError} when it cannot be read or is larger than 16 KiB */
export async function readTokenFile(path: string): Promise<string> {
  const bytes = await readFileBytes(path, FILE_BYTES_MAX).catch((cause: unknown) => {
    const message = `the token file ${readErrorText(cause)}`;
    throw new TokenSourceError('no_token', message, { cause, retryable: true });
  });
  if (bytes.length > FILE_BYTES_MAX) {
    throw new TokenSourceError('no_token', 'the token file is larger than 16 KiB');
  }
  return new TextDecoder().decode(bytes);
}
