import type { Configuration } from '../config/configuration.ts';
import { secretFile } from '../config/secrets.ts';
import { InputError } from '../core/coded-error.ts';
import type { CertificatePaths } from '../http/certificate-files.ts';
import type { ReferencePlaces } from './configuration-source.ts';
import type { ServerOptions } from './server-options.ts';

/** The certificate of the public port: the flags', else the one that the configuration refers to, else none. */
export function tlsFiles(
  { gateway }: Configuration,
  { secretsDir, tlsCert, tlsKey }: ServerOptions,
): CertificatePaths | undefined {
  if (tlsCert !== undefined && tlsKey !== undefined) return { certFile: tlsCert, keyFile: tlsKey };
  const { tls } = gateway.spec;
  if (tls === undefined) return undefined;
  if (secretsDir === undefined) throw new InputError('spec.tls.secretName: needs --secrets-dir');
  return {
    certFile: secretFile(secretsDir, { name: tls.secretName, key: 'tls.crt' }),
    keyFile: secretFile(secretsDir, { name: tls.secretName, key: 'tls.key' }),
  };
}

/** The certificate of the port of revocations, if it has one. */
export function revocationsTlsFiles(
  { gateway }: Configuration,
  secretsDir: string | undefined,
): CertificatePaths | undefined {
  const tls = gateway.spec.revocations?.tls;
  if (tls === undefined) return undefined;
  if (secretsDir === undefined) throw new InputError('spec.revocations.tls.secretName: needs --secrets-dir');
  return {
    certFile: secretFile(secretsDir, { name: tls.secretName, key: 'tls.crt' }),
    keyFile: secretFile(secretsDir, { name: tls.secretName, key: 'tls.key' }),
  };
}

/**
 * The certificate of the ingest ports and, where producers must show one, the CA that theirs must be from; `undefined`:
 * clear text.
 *
 * @throws InputError rather than leave a port more open than the configuration says
 */
export function ingestTlsFiles(
  { gateway }: Configuration,
  { configMapsDir, secretsDir }: ReferencePlaces,
): CertificatePaths | undefined {
  const { auth, tls } = gateway.spec.ingest;
  if (tls === undefined) {
    if (auth !== 'ClientCertificate') return undefined;
    throw new InputError('spec.ingest.tls: is required for ClientCertificate');
  }
  if (secretsDir === undefined) throw new InputError('spec.ingest.tls.secretName: needs --secrets-dir');
  const pair = {
    certFile: secretFile(secretsDir, { name: tls.secretName, key: 'tls.crt' }),
    keyFile: secretFile(secretsDir, { name: tls.secretName, key: 'tls.key' }),
  };
  if (auth !== 'ClientCertificate') return pair;
  const ca = tls.clientCaConfigMapKeyRef;
  if (ca === undefined || configMapsDir === undefined) {
    throw new InputError('spec.ingest.tls.clientCaConfigMapKeyRef: is required for ClientCertificate');
  }
  return { ...pair, clientCaFile: secretFile(configMapsDir, ca) };
}
