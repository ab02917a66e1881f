import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock, Timer } from '../core/clock.ts';
import { InputError } from '../core/coded-error.ts';
import type { Log } from '../core/log.ts';
import type { Service } from '../core/service.ts';
import type { Certificate } from './tls-listener.ts';

/** How often the files are looked at; a mounted Secret changes by the swap of a link, which no watch reports reliably. */
const POLL_MS = 997;

export interface CertificatePaths {
  readonly certFile: string;
  readonly keyFile: string;
  /** CA certificates that clients' certificates must be from. */
  readonly clientCaFile?: string;
}

/** A certificate and its key in files that may be replaced while they are in use. The last good pair stays. */
export class CertificateFiles implements Service {
  readonly #paths: CertificatePaths;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onChange: (certificate: Certificate) => void;
  #current: Certificate | undefined;
  #refused: Certificate | undefined;
  #timer: Timer | undefined;

  constructor(paths: CertificatePaths, clock: Clock, log: Log, onChange: (certificate: Certificate) => void) {
    this.#paths = paths;
    this.#clock = clock;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Calls `onChange` with the first pair. @throws InputError when the files can't be read or do not fit together */
  async start(): Promise<void> {
    const { certFile, keyFile } = this.#paths;
    try {
      this.#take(await this.#read());
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new InputError(`the certificate ${certFile} with the key ${keyFile} can't be used: ${why}`, {
        cause,
      });
    }
    this.#timer = this.#clock.every(POLL_MS, () => void this.#look());
  }

  async stop(): Promise<void> {
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    let next: Certificate | undefined;
    try {
      next = await this.#read();
      if (same(next, this.#current) || same(next, this.#refused)) return;
      this.#take(next);
      this.#log.info('certificate replaced');
    } catch (error) {
      // Told once for each pair that does not fit; while one file of two has been written, the next look finds both.
      if (next === undefined || same(next, this.#refused)) return;
      this.#refused = next;
      this.#log.warn('certificate refused, the last good one stays', { error });
    }
  }

  async #read(): Promise<Certificate> {
    const { certFile, clientCaFile, keyFile } = this.#paths;
    const [cert, key, clientCa] = await Promise.all([
      readFile(certFile, 'utf8'),
      readFile(keyFile, 'utf8'),
      clientCaFile === undefined ? undefined : readFile(clientCaFile, 'utf8'),
    ]);
    return { cert, key, ...(clientCa === undefined ? {} : { clientCa }) };
  }

  #take(next: Certificate): void {
    const { cert, key, clientCa } = next;
    createSecureContext({
      cert,
      key,
      minVersion: 'TLSv1.2',
      ...(clientCa === undefined ? {} : { ca: clientCa }),
    });
    this.#current = next;
    this.#refused = undefined;
    this.#onChange(next);
  }
}

function same(a: Certificate, b: Certificate | undefined): boolean {
  return a.cert === b?.cert && a.key === b.key && a.clientCa === b.clientCa;
}
