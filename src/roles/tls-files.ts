import type { Configuration } from '../config/configuration.ts';
import { secretFile } from '../config/secrets.ts';
import { InputError } from '../core/coded-error.ts';
import type { CertificatePaths } from '../http/certificate-files.ts';
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
