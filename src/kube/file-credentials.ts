import { X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import { type Access, type AccessSettings, type Credentials, type Source, sameTls } from './credentials.ts';
import { KubeError } from './kube-error.ts';

/** Kubernetes replaces a token at 80 % of its life, at the latest some minutes before its end. */
const READ_AGAIN_MS = 10_000;
const FILE_BYTES_MAX = 1_048_576;
/** What may stand in a header. A token that may not is none. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Credentials in files that are replaced while they are in use: a pod's, or a kubeconfig's. */
export class FileCredentials implements Credentials {
  readonly #settings: AccessSettings;
  readonly #clock: Clock;
  readonly #log: Log;
  #last: Access | undefined;
  #readAtMs = 0;
  #doubted = false;
  #failing = false;
  #reading: Promise<Access> | undefined;

  constructor(settings: AccessSettings, clock: Clock, log: Log) {
    this.#settings = settings;
    this.#clock = clock;
    this.#log = log;
  }

  async access(): Promise<Access> {
    const isFresh = this.#clock.monotonicMs() - this.#readAtMs < READ_AGAIN_MS;
    if (this.#last !== undefined && isFresh && !this.#doubted) return this.#last;
    this.#reading ??= this.#readOrKeep().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  doubt(): void {
    this.#doubted = true;
  }

  async #readOrKeep(): Promise<Access> {
    // Before reading: a doubt that comes meanwhile is about what was read before.
    this.#doubted = false;
    this.#readAtMs = this.#clock.monotonicMs();
    try {
      const next = await read(this.#settings);
      if (!sameTls(next, this.#last)) assertUsable(next);
      this.#last = next;
      this.#failing = false;
      return next;
    } catch (cause) {
      if (this.#last === undefined) throw credentialsError(cause);
      if (!this.#failing) this.#log.warn('credentials refused, the last good ones stay', { error: cause });
      this.#failing = true;
      return this.#last;
    }
  }
}

async function read({ server, serverName, ca, client, token }: AccessSettings): Promise<Access> {
  return {
    server,
    serverName,
    ca: ca && (await readSource(ca)),
    client: client && { cert: await readSource(client.cert), key: await readSource(client.key) },
    token: token && readToken(await readSource(token)),
  };
}

async function readSource(source: Source): Promise<string> {
  if (source.kind === 'text') return source.text;
  await using file = await open(source.path);
  const { size } = await file.stat();
  if (size > FILE_BYTES_MAX) throw new KubeError('credentials', `${source.path} is over 1 MiB`);
  return await file.readFile('utf8');
}

function readToken(text: string): string {
  const token = text.trim();
  if (!TOKEN.test(token)) throw new KubeError('credentials', 'the token is empty or not one line of ASCII');
  return token;
}

/** While one file of two has been written, they do not fit. @throws what node:tls says of it */
function assertUsable({ ca, client }: Access): void {
  // A CA that it can't read is none to node:tls, without a word.
  if (ca !== undefined) new X509Certificate(ca);
  createSecureContext({ ...(ca === undefined ? {} : { ca }), ...client });
}

function credentialsError(cause: unknown): KubeError {
  if (cause instanceof KubeError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KubeError('credentials', `the credentials for the API server can't be used: ${why}`, { cause });
}
