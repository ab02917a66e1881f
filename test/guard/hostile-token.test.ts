import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { PresentedToken } from '../../src/guard/presented-token.ts';
import { TokenError } from '../../src/guard/token-error.ts';
import {
  base64url,
  createKey,
  forge,
  goodClaims,
  guardSpec,
  hmacToken,
  jwks,
  type Members,
  signatureOf,
} from '../support/issuer.ts';
import { RecordedGuards } from '../support/recorded-guards.ts';

const rsa = createKey('rsa', 'RS256');
const ec = createKey('ec', 'ES256');
const ed = createKey('ed', 'EdDSA');
const narrow = createKey('narrow', 'PS256');
const mallory = createKey('rsa', 'RS256');
const malloryEc = createKey('ec', 'ES256');

const recorded = new RecordedGuards();
const { guards, log } = recorded;
const now = recorded.clock.now();
const good = goodClaims(now);
const seconds = now / 1_000;
await guards.apply(
  new Map([
    [
      'main',
      {
        uid: 'u1',
        generation: 1,
        spec: guardSpec({ inline: jwks(rsa, ec, ed, narrow), refreshInterval: 600_000 }),
      },
    ],
  ]),
);

/** The way of every request: by its issuer to a guard, and there to a grant. */
async function verify(token: string) {
  const presented = new PresentedToken(token);
  return guards.verify(guards.choose(['main'], presented), presented);
}

const pem = createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' });
const payload = JSON.stringify(good);
const sealed = forge(rsa, good);
const [head = '', body = '', signature = ''] = sealed.split('.');
const headOf = (header: Members) => base64url(JSON.stringify(header));
const without = (name: string) => Object.fromEntries(Object.entries(good).filter(([key]) => key !== name));

/** RFC 8725 and what has been seen in the wild: [what it is, the token, its code]. */
const CASES: readonly (readonly [string, string, string])[] = [
  // 2.1, 3.1, 3.2: algorithms
  ['alg none without signature', `${headOf({ alg: 'none' })}.${body}.`, 'algorithm'],
  ['alg none with a signature', `${headOf({ alg: 'none', kid: 'rsa' })}.${body}.${signature}`, 'algorithm'],
  ['alg NoNe', `${headOf({ alg: 'NoNe' })}.${body}.`, 'algorithm'],
  [
    'HS256 with the public key as its secret',
    hmacToken(pem, good, { alg: 'HS256', kid: 'rsa' }),
    'algorithm',
  ],
  ['HS256 with the JWK as its secret', hmacToken(jwks(rsa), good, { alg: 'HS256' }), 'algorithm'],
  ['HMAC under an RS256 header', hmacToken(pem, good, { alg: 'RS256', kid: 'rsa' }), 'bad_signature'],
  ['an algorithm that nobody knows', forge(rsa, good, { alg: 'toString' }), 'algorithm'],
  ['alg __proto__', forge(rsa, good, { alg: '__proto__' }), 'algorithm'],
  ['an algorithm that the guard does not list', forge(rsa, good, { alg: 'RS512' }), 'algorithm'],
  ["an algorithm other than the key's own", forge(rsa, good, { alg: 'PS256' }), 'algorithm'],
  ['RS256 for a key of PS256', forge(narrow, good, { alg: 'RS256' }), 'algorithm'],
  ['ES256 for an RSA key', forge(rsa, good, { alg: 'ES256' }), 'algorithm'],
  ['ES384 for a key on P-256', forge(ec, good, { alg: 'ES384' }), 'algorithm'],
  ['no alg', forge(rsa, good, JSON.stringify({ kid: 'rsa' })), 'malformed'],
  ['alg null', forge(rsa, good, { alg: null }), 'malformed'],
  ['alg as a list', forge(rsa, good, { alg: ['RS256'] }), 'malformed'],
  // keys
  ['a kid that is not known', forge({ ...rsa, kid: 'foreign' }, good), 'unknown_key'],
  ['an empty kid', forge(rsa, good, { kid: '' }), 'unknown_key'],
  ['a kid that is a path', forge(rsa, good, { kid: '../../../../dev/null' }), 'unknown_key'],
  ['a kid that is SQL', forge(rsa, good, { kid: "rsa' UNION SELECT 'x" }), 'unknown_key'],
  ['a kid that is a number', forge(rsa, good, { kid: 1 }), 'malformed'],
  ['a kid that is null', forge(rsa, good, { kid: null }), 'malformed'],
  ['no kid, no key of this algorithm', forge(rsa, good, { kid: undefined, alg: 'ES384' }), 'unknown_key'],
  ["a known kid, another's key", forge(mallory, good), 'bad_signature'],
  ["a known kid, another's EC key", forge(malloryEc, good), 'bad_signature'],
  ['a key that the token brings (jwk)', forge(mallory, good, { jwk: mallory.jwk }), 'bad_signature'],
  [
    'a key that the token brings, its own kid',
    forge(mallory, good, { jwk: mallory.jwk, kid: 'm' }),
    'unknown_key',
  ],
  [
    'a key set that the token names (jku)',
    forge(mallory, good, { jku: 'http://127.0.0.1:1/jwks' }),
    'bad_signature',
  ],
  [
    'a certificate that the token names (x5u)',
    forge(mallory, good, { x5u: 'http://127.0.0.1:1/x' }),
    'bad_signature',
  ],
  ['a certificate that the token brings (x5c)', forge(mallory, good, { x5c: ['MIIB'] }), 'bad_signature'],
  // 2.2, header extensions
  ['crit', forge(rsa, good, { crit: ['exp'], exp: 1 }), 'malformed'],
  ['crit, empty', forge(rsa, good, { crit: [] }), 'malformed'],
  ['b64 false', forge(rsa, good, { b64: false, crit: ['b64'] }), 'malformed'],
  ['b64 false, not critical', forge(rsa, good, { b64: false }), 'malformed'],
  // signatures
  [
    'an ECDSA signature in DER',
    `${unsigned(ec)}.${base64url(signatureOf(ec, unsigned(ec), 'der'))}`,
    'bad_signature',
  ],
  [
    'an ECDSA signature of zeros (CVE-2022-21449)',
    `${unsigned(ec)}.${base64url(Buffer.alloc(64))}`,
    'bad_signature',
  ],
  ['an EdDSA signature of zeros', `${unsigned(ed)}.${base64url(Buffer.alloc(64))}`, 'bad_signature'],
  ['a signature cut short', `${head}.${body}.${signature.slice(0, 336)}`, 'bad_signature'],
  ['no signature', `${head}.${body}.`, 'bad_signature'],
  [
    'the signature of another payload',
    `${head}.${base64url(payload.replace('alice', 'admin'))}.${signature}`,
    'bad_signature',
  ],
  [
    'spare bits set in the signature',
    `${head}.${body}.${signature.slice(0, -1)}${spare(signature)}`,
    'malformed',
  ],
  // form
  ['rubbish', 'rubbish', 'malformed'],
  ['two dots', '..', 'malformed'],
  ['a token in two parts', `${head}.${body}`, 'malformed'],
  ['a token in four parts', `${sealed}.${body}`, 'malformed'],
  ['an encrypted token (five parts)', `${headOf({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`, 'malformed'],
  ['padding', `${head}=.${body}.${signature}`, 'malformed'],
  ['white space', ` ${sealed}`, 'malformed'],
  [
    'base64 instead of base64url',
    `${Buffer.from('{"alg":"RS256","x":"???>>>"}').toString('base64')}.${body}.x`,
    'malformed',
  ],
  ['NUL', `${sealed}\0`, 'malformed'],
  ['a JWS in JSON form', JSON.stringify({ protected: head, payload: body, signature }), 'malformed'],
  ['over 8 KiB', forge(rsa, { ...good, padding: 'x'.repeat(8_192) }), 'malformed'],
  // 2.4, 2.6: JSON
  ['a payload that is not JSON', forge(rsa, 'not json'), 'malformed'],
  ['an empty payload', forge(rsa, ''), 'malformed'],
  ['a payload that is a list', forge(rsa, '[]'), 'malformed'],
  ['a payload that is a string', forge(rsa, '"x"'), 'malformed'],
  ['a payload that is null', forge(rsa, 'null'), 'malformed'],
  ['a nested token', forge(rsa, sealed, { cty: 'JWT' }), 'malformed'],
  ['a claim twice', forge(rsa, `${payload.slice(0, -1)},"sub":"admin"}`), 'malformed'],
  ['a claim twice, once escaped', forge(rsa, `${payload.slice(0, -1)},"\\u0073ub":"admin"}`), 'malformed'],
  ['a header parameter twice', forge(rsa, good, '{"alg":"RS256","kid":"rsa","alg":"none"}'), 'malformed'],
  [
    'deep nesting',
    forge(rsa, `${payload.slice(0, -1)},"x":${'['.repeat(1_000)}${']'.repeat(1_000)}}`),
    'malformed',
  ],
  [
    'invalid UTF-8',
    withBytes(Buffer.concat([Buffer.from('{"iss":"'), Buffer.from([0xff]), Buffer.from('"}')])),
    'malformed',
  ],
  ['a byte order mark', forge(rsa, `\ufeff${payload}`), 'malformed'],
  ['UTF-16', withBytes(Buffer.from(payload, 'utf16le')), 'malformed'],
  // 3.8, 3.9: issuer and audience
  ['another issuer', forge(rsa, { ...good, iss: 'https://evil.example/' }), 'wrong_issuer'],
  ['the issuer without its slash', forge(rsa, { ...good, iss: 'https://issuer.example' }), 'wrong_issuer'],
  ['no issuer', forge(rsa, without('iss')), 'wrong_issuer'],
  ['an issuer list', forge(rsa, { ...good, iss: [good['iss']] }), 'malformed'],
  ['an issuer that is null', forge(rsa, { ...good, iss: null }), 'malformed'],
  ['an issuer that is an object', forge(rsa, { ...good, iss: { toString: good['iss'] } }), 'malformed'],
  ['another audience', forge(rsa, { ...good, aud: 'https://other.example' }), 'wrong_audience'],
  ['no audience', forge(rsa, without('aud')), 'wrong_audience'],
  ['an empty audience list', forge(rsa, { ...good, aud: [] }), 'wrong_audience'],
  ['a part of the audience', forge(rsa, { ...good, aud: 'https://events' }), 'wrong_audience'],
  ['an audience that is a number', forge(rsa, { ...good, aud: 7 }), 'malformed'],
  ['an audience list with a number', forge(rsa, { ...good, aud: [good['aud'], 7] }), 'malformed'],
  ['an audience that is an object', forge(rsa, { ...good, aud: { 0: good['aud'] } }), 'malformed'],
  // times
  ['no exp', forge(rsa, without('exp')), 'malformed'],
  ['exp as text', forge(rsa, { ...good, exp: String(seconds + 60) }), 'malformed'],
  ['exp null', forge(rsa, { ...good, exp: null }), 'malformed'],
  ['exp as a date', forge(rsa, { ...good, exp: '2999-01-01T00:00:00Z' }), 'malformed'],
  ['exp beyond any number', forge(rsa, payload.replace(/"exp":\d+/, '"exp":1e999')), 'malformed'],
  ['exp beyond any date', forge(rsa, { ...good, exp: 8.64e12 + 1 }), 'malformed'],
  ['exp before any date', forge(rsa, { ...good, exp: -1e300 }), 'malformed'],
  ['exp in milliseconds of long ago', forge(rsa, { ...good, exp: 0 }), 'expired'],
  ['exp now', forge(rsa, { ...good, exp: seconds }), 'expired'],
  ['nbf as text', forge(rsa, { ...good, nbf: '0' }), 'malformed'],
  ['nbf to come', forge(rsa, { ...good, nbf: seconds + 1 }), 'not_yet_valid'],
  ['iat as a list', forge(rsa, { ...good, iat: [1] }), 'malformed'],
  // claims
  ['a subject that is a number', forge(rsa, { ...good, sub: 42 }), 'malformed'],
  ['an empty subject', forge(rsa, { ...good, sub: '' }), 'malformed'],
  ['a subject that is null', forge(rsa, { ...good, sub: null }), 'malformed'],
  ['a subject list', forge(rsa, { ...good, sub: ['alice'] }), 'malformed'],
  ['a subject of 257 characters', forge(rsa, { ...good, sub: 'x'.repeat(257) }), 'malformed'],
  ['a subject with a lone surrogate', forge(rsa, payload.replace('alice', '\\ud800')), 'malformed'],
  ['a session that is a number', forge(rsa, { ...good, sid: 1 }), 'malformed'],
  ['scopes as an object', forge(rsa, { ...good, scope: { read: true } }), 'malformed'],
  ['scopes as a number', forge(rsa, { ...good, scope: 1 }), 'malformed'],
  ['scopes as a list with a list', forge(rsa, { ...good, scope: [['read']] }), 'malformed'],
];

describe('a hostile token', () => {
  for (const [what, token, code] of CASES) {
    it(`is refused as ${code}: ${what}`, async () => {
      await assert.rejects(verify(token), (error) => {
        assert.ok(error instanceof TokenError, String(error));
        assert.equal(error.code, code);
        assertSilent(`${error.message} ${String(error.stack)}`, token);
        return true;
      });
    });
  }

  it('leaves nothing of itself in the log', () => {
    for (const [, token] of CASES) assertSilent(log.lines.join('\n'), token);
  });

  it('would have been accepted without what is wrong with it', async () => {
    for (const key of [rsa, ec, ed, narrow]) assert.equal((await verify(forge(key, good))).subject, 'alice');
    // One RSA key each for RS256 and PS256, so `kid` is not needed.
    assert.equal((await verify(forge(rsa, good, { kid: undefined }))).algorithm, 'RS256');
    for (const typ of [undefined, 'at+jwt', 'anything']) await verify(forge(ec, good, { typ }));
    await verify(
      forge(ec, { ...good, nbf: seconds, exp: seconds + 0.5, iat: undefined, sub: 'x'.repeat(256) }),
    );
    await verify(forge(ec, { ...good, aud: ['other', good['aud']], scope: ['read'], sid: 's' }));
    await verify(forge(rsa, good, { jku: 'http://127.0.0.1:1/', jwk: mallory.jwk }));
  });

  it('is never called known by its signature alone', async () => {
    const token = forge(ec, good);
    await verify(token);
    await assert.rejects(
      verify(`${token.slice(0, token.lastIndexOf('.'))}.${base64url(Buffer.alloc(64, 1))}`),
      {
        code: 'bad_signature',
      },
    );
  });
});

function unsigned(key: typeof ec): string {
  return forge(key, good).split('.').slice(0, 2).join('.');
}

/** Correctly signed, whatever the payload's bytes. */
function withBytes(bytes: Buffer): string {
  const signed = `${headOf({ alg: 'RS256', kid: 'rsa' })}.${base64url(bytes)}`;
  return `${signed}.${base64url(signatureOf(rsa, signed))}`;
}

/** 256 bytes leave four spare bits in the last of 342 characters; lenient decoders accept any. */
function spare(text: string): string {
  return Buffer.from(text, 'base64url').length === 256 ? nextLetter(text.at(-1)) : '';
}

function nextLetter(letter = 'A'): string {
  return String.fromCharCode(letter.charCodeAt(0) + 1);
}

function assertSilent(text: string, token: string): void {
  for (const part of token.split('.')) {
    if (part.length > 8) assert.ok(!text.includes(part), 'a part of the token is shown');
  }
  assert.ok(!/alice|admin|evil\.example/.test(text), 'a value of the token is shown');
}
