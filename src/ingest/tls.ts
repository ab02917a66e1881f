import type { TlsOptions } from 'node:tls';

/** What the ingest ports show, and whom they let in. PEM. */
export interface IngestTls {
  readonly cert: string;
  readonly key: string;
  /** Whose certificates producers have to show; absent: none need to. */
  readonly clientCa?: string;
}

const HANDSHAKE_MS = 10_000;

/** A producer without an acceptable certificate is refused in the handshake, before a byte of it is looked at. */
export function tlsServerOptions(tls: IngestTls): TlsOptions {
  return { ...secureContextOptions(tls), handshakeTimeout: HANDSHAKE_MS };
}

/** What changes when certificates are renewed. */
export function secureContextOptions({ cert, key, clientCa }: IngestTls): TlsOptions {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, minVersion: 'TLSv1.2', ...clients };
}
