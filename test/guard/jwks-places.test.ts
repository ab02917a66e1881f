import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from '../../src/core/clock.ts';
import { InputError } from '../../src/core/coded-error.ts';
import { fetchJwks } from '../../src/guard/fetch-jwks.ts';
import { lookupIn, refuseHost } from '../../src/guard/jwks-places.ts';
import { KeySetError } from '../../src/guard/key-set-error.ts';
import { jwksEnv, jwksPlaces } from '../../src/roles/jwks-places.ts';
import { createKey, jwks } from '../support/issuer.ts';
import { JwksServer, json } from '../support/jwks-server.ts';

const forbidden = (error: unknown) => error instanceof KeySetError && error.code === 'forbidden_host';
const inCluster = { inCluster: true };

describe('where keys may be fetched from', () => {
  const refused = [
    'https://127.0.0.1/',
    'https://127.9.9.9/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0.0.0.0/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:127.0.0.1]/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::ffff:169.254.169.254]/',
    'https://[fe80::1]/',
    'https://[fd00:ec2::254]/',
  ];
  for (const uri of refused) {
    it(`is not ${uri} in a cluster, and may be elsewhere`, () => {
      assert.throws(() => refuseHost(new URL(uri), inCluster), forbidden);
      refuseHost(new URL(uri), { inCluster: false });
    });
  }

  for (const uri of [
    'https://10.0.0.7/',
    'https://[fd12::1]/',
    'https://192.0.2.1/',
    'https://login.example/',
  ]) {
    it(`may be ${uri} in a cluster`, () => refuseHost(new URL(uri), inCluster));
  }

  it('is one of the hosts that are allowed, where there is a list', () => {
    const places = { inCluster: false, hosts: new Set(['login.example', '10.0.0.7']) };
    refuseHost(new URL('https://LOGIN.example:8443/keys'), places);
    refuseHost(new URL('https://10.0.0.7/keys'), places);
    for (const uri of ['https://example/', 'https://a.login.example/', 'https://login.example.org/']) {
      assert.throws(() => refuseHost(new URL(uri), places), forbidden);
    }
  });

  it('is judged by what a name leads to', async () => {
    await assert.rejects(promisify(lookupIn(inCluster))('localhost', { all: true }), forbidden);
    await assert.rejects(promisify(lookupIn(inCluster))('localhost', {}), forbidden);
    await promisify(lookupIn({ inCluster: false }))('localhost', {});
  });

  it('is not connected to when it is refused', async (test) => {
    const server = await new JwksServer(json(jwks(createKey('a')))).start();
    test.after(() => server.stop());
    const asked = (places: { inCluster: boolean }) =>
      fetchJwks(
        { url: new URL(`http://localhost:${server.port}/`), ca: undefined, validators: {}, places },
        systemClock,
        new AbortController().signal,
      );
    await assert.rejects(asked(inCluster), forbidden);
    assert.equal(server.requests.length, 0);
    assert.equal((await asked({ inCluster: false })).kind, 'text');
  });
});

describe('TIDEGATE_JWKS_HOSTS', () => {
  const env = (text: string) => ({ TIDEGATE_JWKS_HOSTS: text });

  it('is a list of hosts, in any case, and none when it is empty', () => {
    assert.deepEqual(jwksPlaces(env(' Login.Example, 10.0.0.7,[fd12::1]'), true), {
      inCluster: true,
      hosts: new Set(['login.example', '10.0.0.7', '[fd12::1]']),
    });
    assert.deepEqual(jwksPlaces(env(''), false), { inCluster: false });
    assert.deepEqual(jwksPlaces({}, true), { inCluster: true });
  });

  for (const text of [
    ',',
    'https://login.example',
    'login.example/',
    'a b',
    '*.example',
    'login.example:443',
  ]) {
    it(`is refused by name when it is "${text}"`, () => {
      assert.throws(() => jwksPlaces(env(text), true), InputError);
      assert.throws(() => jwksEnv(env(text)), InputError);
    });
  }

  it('goes from the operator to its pods', () => {
    assert.deepEqual(jwksEnv({ ...env('login.example'), HOME: '/' }), env('login.example'));
    assert.deepEqual(jwksEnv({}), {});
  });
});
