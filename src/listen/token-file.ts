import { open } from 'node:fs/promises';
import { TokenSourceError } from './token-source.ts';

const FILE_BYTES_MAX = 16 * 1024;

/** @throws {TokenSourceError} when it cannot be read or is larger than 16 KiB */
export async function readTokenFile(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FILE_BYTES_MAX + 1), 0, FILE_BYTES_MAX + 1);
    if (bytesRead <= FILE_BYTES_MAX) return buffer.toString('utf8', 0, bytesRead);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    throw new TokenSourceError('no_token', `the token file could not be read${code}`, {
      cause,
      retryable: true,
    });
  }
  throw new TokenSourceError('no_token', 'the token file is larger than 16 KiB');
}
