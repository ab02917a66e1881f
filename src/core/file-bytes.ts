import { open } from 'node:fs/promises';

/** A configuration of 64 streams takes some 20 KiB. */
export const FILE_BYTES_MAX = 1_048_576;

/** Reads a file; of one that is larger than `bytesMax`, only `bytesMax + 1` bytes, so that it can be told. */
export async function readFileBytes(file: string, bytesMax = FILE_BYTES_MAX): Promise<Uint8Array> {
  await using handle = await open(file, 'r');
  const bytes = new Uint8Array(bytesMax + 1);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.slice(0, length);
}

/** Why a file could not be read, without its name. */
export function readErrorText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  return `cannot be read: ${REASONS[code] ?? code}`;
}

/** Whether there is nothing at that path, or nothing any more: also a symbolic link that leads nowhere. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  ENOTDIR: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
};
