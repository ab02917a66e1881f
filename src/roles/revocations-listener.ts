import { secretFile } from '../config/secrets.ts';
import type { Clock } from '../core/clock.ts';
import { InputError } from '../core/coded-error.ts';
import type { ListenAddress } from '../core/listen-address.ts';
import type { Log } from '../core/log.ts';
import { createAdminServer } from '../http/admin-server.ts';
import { CredentialFile } from '../http/credential-file.ts';
import { createRevocationsApp, type RevocationsParts } from '../http/revocations-app.ts';
import type { ConfigurationSource } from './configuration-source.ts';

/**
 * The credential that the configuration refers to, as it is now.
 *
 * @param otherwise the file of it when the configuration refers to none
 */
export function credentialFile(
  { current, places }: Pick<ConfigurationSource, 'current' | 'places'>,
  clock: Clock,
  log: Log,
  otherwise?: string,
): CredentialFile {
  const file = () => {
    const ref = current().gateway.spec.revocations?.tokenSecretRef;
    if (ref === undefined) return otherwise;
    if (places.secretsDir === undefined) {
      throw new InputError('spec.revocations.tokenSecretRef: needs --secrets-dir');
    }
    return secretFile(places.secretsDir, ref);
  };
  return new CredentialFile(file, clock, log);
}

/** The port of revocations, if it has an address. */
export function createRevocationsListener(
  credential: CredentialFile,
  parts: Omit<RevocationsParts, 'credential'>,
) {
  const server = createAdminServer(createRevocationsApp({ ...parts, credential }), 'revocations');
  return {
    /** Where the credential is, not what it is. */
    get credentialFile(): string | undefined {
      return credential.path;
    },
    /**
     * @param otherwise where to listen when the address can't be bound
     * @returns the port bound. @throws InputError, UnreachableError
     */
    async start(address: ListenAddress | undefined, otherwise?: ListenAddress): Promise<number | undefined> {
      if (address === undefined) return undefined;
      await credential.start();
      return server.start(address).catch((error: unknown) => {
        if (otherwise === undefined) throw error;
        return server.start(otherwise);
      });
    },
    async stop(): Promise<void> {
      await credential.stop();
      server.stop();
    },
  };
}
