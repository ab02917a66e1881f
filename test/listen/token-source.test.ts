import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fixedToken, renewableToken } from '../../src/listen/token-source.ts';

const { signal } = new AbortController();

describe('renewableToken', () => {
  it('reads once for the current token, and again for each fresh one', async () => {
    let reads = 0;
    const source = renewableToken(async () => ` token-${++reads}\n`, 'the token command');
    assert.equal(await source.current(signal), 'token-1');
    assert.equal(await source.current(signal), 'token-1');
    assert.equal(await source.fresh(signal), 'token-2');
    assert.equal(await source.current(signal), 'token-2');
  });

  it('keeps the last token when there is no other', async () => {
    const texts = ['token-1', ''];
    const source = renewableToken(async () => texts.shift() ?? '', 'the token command');
    await source.current(signal);
    await assert.rejects(source.fresh(signal));
    assert.equal(await source.current(signal), 'token-1');
  });

  const refused: readonly [string, string][] = [
    ['', 'the token file gave no token'],
    [' \n', 'the token file gave no token'],
    ['two words', 'the token file gave something that is not a bearer token'],
    ['a\r\nx-header: b', 'the token file gave something that is not a bearer token'],
    ['{"access_token":"t"}', 'the token file gave something that is not a bearer token'],
    ['é', 'the token file gave something that is not a bearer token'],
    ['t'.repeat(16 * 1024 + 1), 'the token file gave something that is not a bearer token'],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 30))} without repeating it`, async () => {
      const source = renewableToken(async () => text, 'the token file');
      await assert.rejects(source.current(signal), { name: 'TokenSourceError', code: 'no_token', message });
    });
  }
});

describe('fixedToken', () => {
  it('gives its token', async () => assert.equal(await fixedToken('a.b-c_~+/==').current(), 'a.b-c_~+/=='));
  it('gives none when it has none', async () =>
    assert.equal(await fixedToken(undefined).current(), undefined));
  it('refuses what is none', () => {
    assert.throws(() => fixedToken('a b'), { message: '--token gave something that is not a bearer token' });
  });
});
