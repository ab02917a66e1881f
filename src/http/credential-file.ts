import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock, Timer } from '../core/clock.ts';
import { InputError } from '../core/coded-error.ts';
import { readErrorText, readFileBytes } from '../core/file-bytes.ts';
import type { Log } from '../core/log.ts';
import type { Service } from '../core/service.ts';

/** How often the file is looked at; a mounted Secret changes by the swap of a link, which no watch reports reliably. */
const POLL_MS = 1_013;
const FILE_BYTES_MAX = 4_096;
/** 32 characters hold at least 128 bits, also in hexadecimal digits. */
const CREDENTIAL = /^[-\w.~+/]{32,512}={0,2}$/;
/** The old one and the new one, while callers change over. */
const CREDENTIALS_MAX = 4;

/** Bearer tokens that a caller must have one of, in a file that may be replaced while it is in use. The last good ones stay. */
export class CredentialFile implements Service {
  readonly #file: () => string | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Of each credential. */
  #hashes: readonly Buffer[] = [];
  #refused = '';
  #timer: Timer | undefined;

  /** @param file read at each look; `undefined`: nobody has the credential, since there is none */
  constructor(file: () => string | undefined, clock: Clock, log: Log) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
  }

  get path(): string | undefined {
    return this.#file();
  }

  get isConfigured(): boolean {
    return this.path !== undefined;
  }

  /** @throws InputError names the file and the rule, never what the file holds */
  async start(): Promise<void> {
    this.#hashes = await this.#read();
    this.#timer = this.#clock.every(POLL_MS, () => void this.#look());
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
  }

  /** In a time that tells nothing of them. */
  accepts(credential: string): boolean {
    const presented = hashOf(credential);
    let found = false;
    for (const each of this.#hashes) found = timingSafeEqual(each, presented) || found;
    return found && this.isConfigured;
  }

  async #look(): Promise<void> {
    try {
      const next = await this.#read();
      this.#refused = '';
      const same =
        next.length === this.#hashes.length && next.every((each, i) => this.#hashes[i]?.equals(each));
      if (same) return;
      this.#hashes = next;
      this.#log.info('credential for revocations replaced');
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message !== this.#refused) {
        this.#log.warn('credential for revocations refused, the last good one stays', { error });
      }
      this.#refused = message;
    }
  }

  async #read(): Promise<readonly Buffer[]> {
    const file = this.#file();
    if (file === undefined) return [];
    const lines = (await readText(file)).split('\n').map((line) => line.trim());
    const credentials = lines.filter((line) => line !== '');
    if (credentials.length === 0 || credentials.length > CREDENTIALS_MAX) {
      throw new InputError(`${file}: must hold one credential, or up to ${CREDENTIALS_MAX} in a line each`);
    }
    if (!credentials.every((each) => CREDENTIAL.test(each))) {
      throw new InputError(
        `${file}: must hold at least 32 letters, digits, "-", ".", "_", "~", "+" or "/" in a line`,
      );
    }
    return credentials.map(hashOf);
  }
}

async function readText(path: string): Promise<string> {
  const bytes = await readFileBytes(path, FILE_BYTES_MAX).catch((cause: unknown) => {
    throw new InputError(`${path}: ${readErrorText(cause)}`, { cause });
  });
  if (bytes.length > FILE_BYTES_MAX)
    throw new InputError(`${path}: must be at most ${FILE_BYTES_MAX} bytes long`);
  return new TextDecoder().decode(bytes);
}

function hashOf(credential: string): Buffer {
  return createHash('sha256').update(credential).digest();
}
