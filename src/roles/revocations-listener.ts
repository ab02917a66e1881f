import { secretFile } from '../config/secrets.ts';
import { InputError } from '../core/coded-error.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import { createAdminServer } from '../http/admin-server.ts';
import { CertificateFiles } from '../http/certificate-files.ts';
import { CredentialFile } from '../http/credential-file.ts';
import { createRevocationsApp, type RevocationsParts } from '../http/revocations-app.ts';
import type { ConfigurationSource } from './configuration-source.ts';
import { revocationsTlsFiles } from './tls-files.ts';

type Source = Pick<ConfigurationSource, 'current' | 'places'>;

/**
 * The port of revocations, if it has an address.
 *
 * @param otherwise the file of its credential when the configuration refers to none
 */
export function createRevocationsListener(
  source: Source,
  parts: Omit<RevocationsParts, 'credential'>,
  otherwise?: string,
) {
  const { clock, log } = parts;
  const credential = new CredentialFile(() => credentialPath(source) ?? otherwise, clock, log);
  const certificate = revocationsTlsFiles(source.current(), source.places.secretsDir);
  const app = createRevocationsApp({ ...parts, credential });
  const server = createAdminServer(app, 'revocations', certificate !== undefined);
  const files = certificate && new CertificateFiles(certificate, clock, log, (next) => server.replace(next));
  return {
    /** Where the credential is, not what it is. */
    get credentialFile(): string | undefined {
      return credential.path;
    },
    /**
     * @param anywhere where to listen when the address can't be bound
     * @returns the port bound. @throws InputError, UnreachableError
     */
    async start(address: ListenAddress | undefined, anywhere?: ListenAddress): Promise<number | undefined> {
      if (address === undefined) return undefined;
      await Promise.all([credential.start(), files?.start()]);
      return server.start(address).catch((error: unknown) => {
        if (anywhere === undefined) throw error;
        return server.start(anywhere);
      });
    },
    async stop(): Promise<void> {
      await Promise.all([credential.stop(), files?.stop()]);
      server.stop();
    },
  };
}

/** Of the credential that the configuration refers to, as it is now. */
function credentialPath(source: Source): string | undefined {
  const ref = source.current().gateway.spec.revocations?.tokenSecretRef;
  if (ref === undefined) return undefined;
  const { secretsDir } = source.places;
  if (secretsDir === undefined) {
    throw new InputError('spec.revocations.tokenSecretRef: needs --secrets-dir');
  }
  return secretFile(secretsDir, ref);
}
