import type { Clock } from '../core/clock.ts';
import { InputError } from '../core/coded-error.ts';
import { type DevelopmentKeys, mintToken } from '../guard/mint.ts';

/** Whom a development token is for when nothing else is said. */
export interface MintDefaults {
  readonly issuer: string;
  readonly audience: string;
  readonly scope: string;
}

export interface MintRequest {
  readonly subject?: string | undefined;
  readonly scope?: string | undefined;
  readonly ttlSeconds?: number | undefined;
  readonly keyId?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

export const DEFAULT_TTL_SECONDS = 60;
export const DEFAULT_SUBJECT = 'alice';

/** @throws InputError when there is no such key */
export async function mint(
  keys: DevelopmentKeys,
  defaults: MintDefaults,
  request: MintRequest,
  clock: Clock,
): Promise<string> {
  const { keyId, ttlSeconds = DEFAULT_TTL_SECONDS } = request;
  const key = keyId === undefined ? keys.privateKeys[0] : keys.privateKeys.find(({ kid }) => kid === keyId);
  if (key === undefined) {
    const known = keys.privateKeys.map(({ kid }) => kid).join(', ');
    throw new InputError(`there is no development key "${keyId}", only ${known}`);
  }
  const scope = request.scope ?? defaults.scope;
  const claims = {
    iss: request.issuer ?? defaults.issuer,
    aud: request.audience ?? defaults.audience,
    sub: request.subject ?? DEFAULT_SUBJECT,
    ...(scope === '' ? {} : { scope }),
    ...request.claims,
  };
  return mintToken(key, { claims, ttlSeconds, now: clock.now() });
}
