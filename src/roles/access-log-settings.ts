import { createSecretKey } from 'node:crypto';
import type { EventGatewaySpec } from '../config/event-gateway.ts';
import type { KeyRef } from '../config/reference.ts';
import { readSecret } from '../config/secrets.ts';
import { InputError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import type { AccessLogSettings } from '../stream/access-log.ts';

/** A shorter key could be guessed from the hashes of subjects that are known. */
const KEY_BYTES_MIN = 16;
const KEY_BYTES_MAX = 4096;

/**
 * What of a gateway's configuration concerns the lines for streams that have ended. A key that can not be used is told,
 * and then no line says anything of a subject: that is no reason to let nobody in.
 */
export async function accessLogSettings(
  { accessLog: { enabled, subjectHashKeySecretRef: ref } }: EventGatewaySpec,
  secretsDir: string | undefined,
  log: Log,
): Promise<AccessLogSettings> {
  if (!enabled || ref === undefined) return { enabled, subjectKey: undefined };
  try {
    return { enabled, subjectKey: createSecretKey(await readKey(ref, secretsDir)) };
  } catch (error) {
    log.warn('subjects are not hashed', { error });
    return { enabled, subjectKey: undefined };
  }
}

/** @throws InputError that names the reference, and never what is there */
async function readKey(ref: KeyRef, secretsDir: string | undefined): Promise<Uint8Array> {
  const field = 'spec.accessLog.subjectHashKeySecretRef';
  if (secretsDir === undefined) throw new InputError(`${field}: needs --secrets-dir`);
  let bytes = await readSecret(secretsDir, ref, KEY_BYTES_MAX);
  // An editor ends a file with a line feed, which `$(cat FILE)` does not see.
  while (bytes.at(-1) === 0x0a || bytes.at(-1) === 0x0d) bytes = bytes.subarray(0, -1);
  if (bytes.length < KEY_BYTES_MIN) {
    throw new InputError(
      `${field}: ${ref.name}/${ref.key} must hold at least ${KEY_BYTES_MIN} bytes, it has ${bytes.length}`,
    );
  }
  return bytes;
}
