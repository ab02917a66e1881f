import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../core/clock.ts';
import { InputError } from '../core/coded-error.ts';
import { createDevelopmentKeys, type DevelopmentKeys, parseDevelopmentKeys } from '../guard/mint.ts';
import { createLocalCertificate, isCurrent } from './certificate.ts';

/** What `dev` keeps between runs, readable by its owner alone and ignored by git. */
export interface DevelopmentState {
  readonly directory: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Where references of the configuration resolve to; holds `dev-keys/jwks.json`. */
  readonly secretsDir: string;
  readonly keys: DevelopmentKeys;
  /** Holds the credential for revocations. */
  readonly revocationsTokenFile: string;
}

const CREDENTIAL_BYTES = 32;
const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;

/** Makes whatever is missing: certificate, signing keys, public key set, credential for revocations. */
export async function openState(directory: string, clock: Clock): Promise<DevelopmentState> {
  const certFile = join(directory, 'tls.crt');
  const keyFile = join(directory, 'tls.key');
  const secretsDir = join(directory, 'secrets');
  const cert = await readOptional(certFile);
  if (cert === undefined || !isCurrent(cert, clock.now()) || (await readOptional(keyFile)) === undefined) {
    const made = await createLocalCertificate(clock.now());
    await writePrivate(keyFile, made.key);
    await writePrivate(certFile, made.cert);
  }
  const keys = (await readKeys(directory)) ?? (await makeKeys(directory));
  await writePrivate(join(secretsDir, 'dev-keys', 'jwks.json'), JSON.stringify(keys.jwks));
  const credentialFile = revocationsTokenFile(directory);
  if ((await readOptional(credentialFile)) === undefined) {
    await writePrivate(credentialFile, `${randomBytes(CREDENTIAL_BYTES).toString('base64url')}\n`);
  }
  return { directory, certFile, keyFile, secretsDir, keys, revocationsTokenFile: credentialFile };
}

/** Where `dev` keeps the credential for revocations. */
export function revocationsTokenFile(directory: string): string {
  return join(directory, 'revocations-token');
}

/** The keys that `dev` made. @throws InputError when it never did */
export async function readKeysOf(directory: string): Promise<DevelopmentKeys> {
  const keys = await readKeys(directory);
  if (keys === undefined) {
    throw new InputError(
      `there are no development keys in ${directory}: start \`tidegate dev\` once, it makes them`,
    );
  }
  return keys;
}

async function readKeys(directory: string): Promise<DevelopmentKeys | undefined> {
  const text = await readOptional(keysFile(directory));
  if (text === undefined) return undefined;
  const keys = parseDevelopmentKeys(text);
  if (keys === undefined) {
    throw new InputError(
      `${keysFile(directory)} does not hold development keys: delete it and start \`tidegate dev\``,
    );
  }
  return keys;
}

async function makeKeys(directory: string): Promise<DevelopmentKeys> {
  const keys = await createDevelopmentKeys();
  await writePrivate(keysFile(directory), JSON.stringify(keys.privateKeys));
  return keys;
}

function keysFile(directory: string): string {
  return join(directory, 'keys.json');
}

async function readOptional(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new InputError(`${file} can't be read`, { cause });
  }
}

/** Whole or not at all, and never readable by others, not even for a moment. */
async function writePrivate(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    await makeDirectory(dirname(file));
    await writeFile(beside, text, { mode: OWNER_ONLY_FILE });
    await rename(beside, file);
  } catch (cause) {
    throw new InputError(`${file} can't be written`, { cause });
  }
}

/** Parents too. Not by `recursive`, which never ends where the system answers ENOENT under a parent that exists (`/proc`). */
async function makeDirectory(directory: string): Promise<void> {
  const make = () => mkdir(directory, { mode: OWNER_ONLY_DIRECTORY });
  try {
    await make();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(directory) === directory) throw cause;
    await makeDirectory(dirname(directory));
    await make();
  }
}
