import assert from 'node:assert/strict';
import { constants, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { type CompactToken, parseCompactToken } from '../../src/guard/compact-token.ts';
import { verifySignature } from '../../src/guard/signature.ts';
import { parseKey, type VerificationKey } from '../../src/guard/verification-key.ts';
import { createKey, forge, type IssuerKey, type Members, signatureOf } from '../support/issuer.ts';

const RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const rsa = createKey('rsa', 'RS256');
const KEYS: readonly IssuerKey[] = [
  ...RSA.map((alg) => ({ ...rsa, alg })),
  ...['ES256', 'ES384', 'ES512', 'EdDSA'].map((alg) => createKey('other', alg)),
];

function keyOf(jwk: Members): VerificationKey {
  const { alg, ...members } = jwk;
  const key = parseKey(members);
  if (typeof key === 'string') throw new TypeError(key);
  return key;
}

function tokenOf(key: IssuerKey): CompactToken {
  return parseCompactToken(forge(key, { sub: 'alice' }));
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy[at] ?? 0) ^ 1, at);
  return copy;
}

const bad = { code: 'bad_signature' };

describe('a signature', () => {
  for (const issuer of KEYS) {
    const { alg } = issuer;
    const key = keyOf(issuer.jwk);

    it(`by ${alg} is verified, and nothing that differs from it`, async () => {
      const token = tokenOf(issuer);
      await verifySignature(token, key);
      const { signature, signed } = token;
      for (const differing of [
        flipped(signature, 0),
        flipped(signature, signature.length - 1),
        signature.subarray(1),
        signature.subarray(0, -1),
        Buffer.concat([signature, Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), signature]),
        Buffer.alloc(signature.length),
        Buffer.alloc(0),
      ]) {
        await assert.rejects(verifySignature({ ...token, signature: differing }, key), bad);
      }
      await assert.rejects(verifySignature({ ...token, signed: `${signed}A` }, key), bad);
    });

    it(`by ${alg} is none by another algorithm`, async () => {
      const token = tokenOf(issuer);
      for (const { alg: algorithm } of KEYS.filter((other) => other.alg !== alg)) {
        const code = key.algorithms.includes(algorithm) ? 'bad_signature' : 'algorithm';
        await assert.rejects(verifySignature({ ...token, algorithm }, key), { code });
      }
      for (const algorithm of ['none', 'HS256', 'toString', '__proto__', '']) {
        await assert.rejects(verifySignature({ ...token, algorithm }, key), { code: 'algorithm' });
        const lax = { ...key, algorithms: [algorithm] };
        await assert.rejects(verifySignature({ ...token, algorithm }, lax), { code: 'algorithm' });
      }
    });
  }

  for (const alg of ['ES256', 'ES384', 'ES512']) {
    it(`by ${alg} is two numbers, not DER`, async () => {
      const issuer = createKey('ec', alg);
      const token = tokenOf(issuer);
      const signature = signatureOf(issuer, token.signed, 'der');
      await assert.rejects(verifySignature({ ...token, signature }, keyOf(issuer.jwk)), bad);
    });
  }

  it('by PS256 has a salt as long as its digest', async () => {
    const token = tokenOf({ ...rsa, alg: 'PS256' });
    for (const saltLength of [0, 20, 33]) {
      const options = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
      const signature = sign('sha256', Buffer.from(token.signed), options);
      await assert.rejects(verifySignature({ ...token, signature }, keyOf(rsa.jwk)), bad);
    }
  });

  it('that can not even be tried is a bad one', async () => {
    const ed = createKey('ed', 'EdDSA');
    const token = { ...tokenOf(ed), algorithm: 'RS256' };
    await assert.rejects(verifySignature(token, { ...keyOf(ed.jwk), algorithms: ['RS256'] }), bad);
  });

  /** [where it stands, the key, header and payload, signature] */
  const PUBLISHED: readonly (readonly [string, Members, string, string, string])[] = [
    [
      'RFC 7515, appendix A.3',
      {
        kty: 'EC',
        crv: 'P-256',
        x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
        y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      },
      'ES256',
      'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ',
      'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
    ],
    [
      'RFC 8037, appendix A.4',
      { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
      'EdDSA',
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc',
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    ],
  ];
  for (const [where, jwk, algorithm, signed, signature] of PUBLISHED) {
    it(`of ${where} is verified`, async () => {
      const token = { algorithm, signed, signature: Buffer.from(signature, 'base64url') };
      await verifySignature({ ...token, kid: undefined, type: undefined, claims: {} }, keyOf(jwk));
    });
  }
});
