import { exportJWK, generateKeyPair, type JWK } from 'jose';

/** What `tidegate dev` signs with. Private: for files of mode 0600 only. */
export interface DevelopmentKeys {
  readonly privateKeys: readonly JWK[];
  /** The same keys' public halves, as a JWK set. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

const KINDS = [
  { kid: 'example', alg: 'RS256' },
  { kid: 'example_ec', alg: 'ES256' },
] as const;

/** An RSA key of 2,048 bits and a P-256 key, never the same twice. */
export async function createDevelopmentKeys(): Promise<DevelopmentKeys> {
  const pairs = await Promise.all(KINDS.map(createPair));
  return {
    privateKeys: pairs.map((pair) => pair.privateKey),
    jwks: { keys: pairs.map((pair) => pair.publicKey) },
  };
}

async function createPair(kind: (typeof KINDS)[number]) {
  const pair = await generateKeyPair(kind.alg, { extractable: true });
  const members = { ...kind, use: 'sig' };
  return {
    privateKey: { ...(await exportJWK(pair.privateKey)), ...members },
    publicKey: { ...(await exportJWK(pair.publicKey)), ...members },
  };
}
