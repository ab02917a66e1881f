import { X509Certificate } from 'node:crypto';
import { InputError } from '../core/coded-error.ts';

const LIFETIME_DAYS = 365;
const MS_PER_DAY = 86_400_000;
/** A certificate this close to its end is replaced at start. */
const RENEW_BEFORE_DAYS = 7;

export interface PemPair {
  readonly cert: string;
  readonly key: string;
}

/** A self-signed certificate (EC P-256) for this machine alone: localhost and its loopback addresses. */
export async function createLocalCertificate(now: number): Promise<PemPair> {
  const { generate } = await load();
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - MS_PER_DAY),
    notAfterDate: new Date(now + LIFETIME_DAYS * MS_PER_DAY),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** By name, since the container image does without: in a cluster nobody makes certificates for localhost. */
async function load(): Promise<typeof import('selfsigned')> {
  try {
    return await import('selfsigned');
  } catch (cause) {
    throw new InputError(
      "a development certificate can't be made without the package selfsigned: `dev` is for a checkout",
      { cause },
    );
  }
}

/** Whether a certificate made earlier still serves. */
export function isCurrent(cert: string, now: number): boolean {
  try {
    return new X509Certificate(cert).validToDate.getTime() > now + RENEW_BEFORE_DAYS * MS_PER_DAY;
  } catch {
    return false;
  }
}
