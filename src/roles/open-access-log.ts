import { createSecretKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { systemClock as clock } from '../core/clock.ts';
import { InputError, UsageError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import { AccessLog } from '../stream/access-log.ts';

/** A shorter key could be guessed from the hashes of subjects that are known. */
const KEY_BYTES_MIN = 16;
const KEY_BYTES_MAX = 4096;

export interface AccessLogOptions {
  readonly accessLog: boolean;
  readonly subjectHashKeyFile: string | undefined;
}

/** As `parseArgs` takes them. */
export const ACCESS_LOG = {
  'access-log': { type: 'string' },
  'subject-hash-key-file': { type: 'string' },
} as const;

export const ACCESS_LOG_FLAGS = `  --access-log on|off     one line for each stream that has ended (default on)
  --subject-hash-key-file FILE
                          adds to it a keyed hash of the subject; absent: nothing of the subject
`;

/** @throws {UsageError} when they contradict each other */
export function accessLogOptions(values: {
  readonly 'access-log'?: string | undefined;
  readonly 'subject-hash-key-file'?: string | undefined;
}): AccessLogOptions {
  const { 'access-log': switched = 'on', 'subject-hash-key-file': subjectHashKeyFile } = values;
  if (switched !== 'on' && switched !== 'off') throw new UsageError('--access-log must be on or off');
  if (switched === 'off' && subjectHashKeyFile !== undefined) {
    throw new UsageError('--subject-hash-key-file needs --access-log on');
  }
  return { accessLog: switched === 'on', subjectHashKeyFile };
}

/** @throws {InputError} when the key can't be used; what is in the file is never told */
export async function openAccessLog(
  { accessLog, subjectHashKeyFile }: AccessLogOptions,
  log: Log,
): Promise<AccessLog | undefined> {
  if (!accessLog) return undefined;
  if (subjectHashKeyFile === undefined) return new AccessLog({ log, clock });
  return new AccessLog({ log, clock, subjectKey: createSecretKey(await readKey(subjectHashKeyFile)) });
}

async function readKey(file: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new InputError(`--subject-hash-key-file: ${file} can not be read`, { cause });
  }
  // An editor ends a file with a line feed, which `openssl dgst -hmac` does not see.
  while (bytes.at(-1) === 0x0a || bytes.at(-1) === 0x0d) bytes = bytes.subarray(0, -1);
  if (bytes.length < KEY_BYTES_MIN || bytes.length > KEY_BYTES_MAX) {
    throw new InputError(
      `--subject-hash-key-file: ${file} must hold ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes, it has ${bytes.length}`,
    );
  }
  return bytes;
}
