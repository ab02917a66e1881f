import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { findKey, hasKey, parseKeySet, sameKeys } from '../../src/guard/key-set.ts';
import { createKey, jwks, type Members } from '../support/issuer.ts';

const rsa = createKey('a', 'RS256');
const ec = createKey('b', 'ES256');
const keys = [rsa, ec, createKey('c', 'ES384'), createKey('d', 'ES512'), createKey('e', 'EdDSA')];

const parse = (...members: readonly unknown[]) => parseKeySet(JSON.stringify({ keys: members }));
const anyAlg = ({ jwk }: { jwk: Members }) => ({ ...jwk, alg: undefined });

describe('parseKeySet', () => {
  it('calls keys by their RFC 7638 thumbprint, as jose does', async () => {
    for (const { jwk } of keys) {
      const expected = await calculateJwkThumbprint({ ...jwk });
      assert.equal(parse({ ...jwk, x5t: 'ignored' }).keys[0]?.thumbprint, expected);
    }
  });

  it('knows from type and curve what a key can verify, narrowed by its alg', () => {
    const algorithms = parse(...keys.map(anyAlg)).keys.map((key) => key.algorithms.join(' '));
    assert.deepEqual(algorithms, ['RS256 RS384 RS512 PS256 PS384 PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']);
    assert.deepEqual(parse({ ...rsa.jwk, alg: 'PS512' }).keys[0]?.algorithms, ['PS512']);
  });

  const left: readonly (readonly [string, unknown, string])[] = [
    ['a private key', { ...ec.privateKey.export({ format: 'jwk' }), kid: 'p' }, 'secret'],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }, 'secret'],
    ['a key for encryption', { ...rsa.jwk, use: 'enc' }, 'not_for_signatures'],
    ['a key for other operations', { ...rsa.jwk, key_ops: ['encrypt'] }, 'not_for_signatures'],
    ['key_ops as text', { ...rsa.jwk, key_ops: 'verify' }, 'not_for_signatures'],
    ['an RSA key of 1,024 bits', createKey('w', 'RS256', 1_024).jwk, 'weak'],
    ['an alg of another type', { ...ec.jwk, alg: 'RS256' }, 'unsupported'],
    ['an alg of another curve', { ...ec.jwk, alg: 'ES384' }, 'unsupported'],
    ['an alg for encryption', { ...rsa.jwk, alg: 'RSA-OAEP' }, 'unsupported'],
    ['a curve that nobody uses', { ...ec.jwk, alg: undefined, crv: 'secp256k1' }, 'unsupported'],
    ['a type that does not exist', { kty: 'XYZ' }, 'unsupported'],
    ['a point off its curve', { ...ec.jwk, x: ec.jwk['y'], y: ec.jwk['x'] }, 'invalid'],
    ['a key without modulus', { kty: 'RSA', e: 'AQAB' }, 'weak'],
    ['a modulus that is a number', { kty: 'RSA', n: 5, e: 'AQAB' }, 'weak'],
    ['a kid that is a number', { ...ec.jwk, kid: 5 }, 'invalid'],
    ['null', null, 'invalid'],
    ['text', 'key', 'invalid'],
  ];
  for (const [what, jwk, fault] of left) {
    it(`leaves out ${what}: ${fault}`, () => {
      const set = parse(jwk, createKey('good').jwk);
      assert.deepEqual(set.faults, [fault]);
      assert.equal(set.keys.length, 1);
      assert.throws(() => parse(jwk), { code: 'no_usable_key', message: 'the key set has no usable key' });
    });
  }

  const refused: readonly (readonly [string, string, string])[] = [
    ['HTML', '<!doctype html><title>Sign in</title>', 'not_json'],
    ['nothing', '', 'not_json'],
    ['a list', '[]', 'not_json'],
    ['null', 'null', 'not_json'],
    ['no keys', '{}', 'not_json'],
    ['keys as an object', '{"keys":{}}', 'not_json'],
    ['an empty set', '{"keys":[]}', 'no_usable_key'],
    ['65 keys', JSON.stringify({ keys: Array.from({ length: 65 }, () => ec.jwk) }), 'too_many_keys'],
  ];
  for (const [what, text, code] of refused) {
    it(`refuses ${what}: ${code}`, () => assert.throws(() => parseKeySet(text), { code }));
  }

  it('takes a key that is listed twice for one', () => {
    assert.equal(parse(ec.jwk, ec.jwk).keys.length, 1);
  });
});

describe('findKey', () => {
  const other = createKey('a', 'RS256');
  const cases: readonly (readonly [string, readonly unknown[], string, string | undefined, string])[] = [
    ['kid and algorithm', [rsa.jwk, ec.jwk], 'ES256', 'b', 'found'],
    ['an unknown kid', [rsa.jwk, ec.jwk], 'ES256', 'z', 'unknown_key'],
    ["another key's algorithm", [rsa.jwk, ec.jwk], 'RS256', 'b', 'algorithm'],
    ['no kid, one fits', [rsa.jwk, ec.jwk], 'RS256', undefined, 'found'],
    ['no kid, two fit', [rsa.jwk, other.jwk], 'RS256', undefined, 'unknown_key'],
    ['no kid, none fits', [ec.jwk], 'RS256', undefined, 'unknown_key'],
    ['one kid for two keys alike', [rsa.jwk, other.jwk], 'RS256', 'a', 'unknown_key'],
    ['one kid for two keys of different types', [rsa.jwk, { ...ec.jwk, kid: 'a' }], 'RS256', 'a', 'found'],
    ['one key and kid for two algorithms', [rsa.jwk, { ...rsa.jwk, alg: 'PS256' }], 'PS256', 'a', 'found'],
    ['a key without kid', [{ ...ec.jwk, kid: undefined }], 'ES256', undefined, 'found'],
    ['a key without kid, asked for by one', [{ ...ec.jwk, kid: undefined }], 'ES256', 'b', 'unknown_key'],
  ];
  for (const [what, set, algorithm, kid, expected] of cases) {
    it(`${what}: ${expected}`, () => {
      const found = findKey(parse(...set), { algorithm, kid });
      assert.equal(typeof found === 'string' ? found : 'found', expected);
    });
  }
});

describe('two key sets', () => {
  it('are the same in whatever order, and not with a key, name or algorithm more or less', () => {
    const set = parse(rsa.jwk, ec.jwk);
    assert.ok(sameKeys(set, parse(ec.jwk, rsa.jwk)));
    assert.ok(!sameKeys(set, parse(rsa.jwk)));
    assert.ok(!sameKeys(parse(rsa.jwk), set));
    assert.ok(!sameKeys(set, parse(rsa.jwk, { ...ec.jwk, kid: 'z' })));
    assert.ok(!sameKeys(set, parse({ ...rsa.jwk, alg: 'PS256' }, ec.jwk)));
  });

  it('share a key by what it is, not by its kid, and only for an algorithm of both', () => {
    const [key] = parse(anyAlg(rsa)).keys;
    const thumbprint = key?.thumbprint ?? '';
    assert.ok(hasKey(parse({ ...rsa.jwk, kid: 'renamed' }), thumbprint, 'RS256'));
    assert.ok(!hasKey(parse({ ...rsa.jwk, alg: 'PS256' }), thumbprint, 'RS256'));
    assert.ok(!hasKey(parse(createKey('a', 'RS256').jwk), thumbprint, 'RS256'));
    assert.ok(!hasKey(parseKeySet(jwks(ec)), thumbprint, 'RS256'));
  });
});
