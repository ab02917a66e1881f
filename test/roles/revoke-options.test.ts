import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/core/coded-error.ts';
import { parseRevokeOptions, REVOKE_USAGE } from '../../src/roles/revoke-options.ts';

const LEAST = ['--guard', 'main', '--subject', 'alice'];

describe('parseRevokeOptions', () => {
  it('asks the gateway of this machine, with the credential that dev makes, when nothing is said', () => {
    const { url, ...rest } = parseRevokeOptions(LEAST);
    assert.equal(url.href, 'http://127.0.0.1:7191/revocations');
    assert.deepEqual(rest, {
      tokenFile: '.tidegate/revocations-token',
      ca: undefined,
      body: { guard: 'main', subject: 'alice' },
    });
  });

  const bodies: readonly [flags: readonly string[], body: object][] = [
    [['--session', 's'], { session: 's' }],
    [['--token-id', 't'], { tokenId: 't' }],
    [['--subject', '-', '--before', '1767225600.5'], { subject: '-', before: 1_767_225_600.5 }],
    [['--subject=-x', '--before', '2026-01-01T00:00:00Z'], { subject: '-x', before: 1_767_225_600 }],
    [['--subject', 'a', '--before', '2026-01-01T01:00+01:00'], { subject: 'a', before: 1_767_225_600 }],
  ];
  for (const [flags, body] of bodies) {
    it(`takes ${flags.join(' ')}`, () =>
      assert.deepEqual(parseRevokeOptions(['--guard', 'main', ...flags]).body, { guard: 'main', ...body }));
  }

  for (const [given, href] of [
    ['http://gateway:7191/', 'http://gateway:7191/revocations'],
    ['https://a.example/revoke', 'https://a.example/revoke/revocations'],
    ['https://a.example/revocations', 'https://a.example/revocations'],
  ] as const) {
    it(`asks ${href} when told ${given}`, () =>
      assert.equal(parseRevokeOptions([...LEAST, '--url', given]).url.href, href));
  }

  const wrong: readonly [what: string, why: RegExp, ...args: string[]][] = [
    ['no guard', /^--guard is needed/, '--subject', 'a'],
    ['nobody', /^one of --subject, --session and --token-id/, '--guard', 'g'],
    ['two at once', /^one of --subject/, ...LEAST, '--session', 's'],
    ['no URL', /^--url must be/, ...LEAST, '--url', 'here'],
    ['another scheme', /^--url must be/, ...LEAST, '--url', 'file:///x'],
    ['credentials in the URL', /^--url must not hold/, ...LEAST, '--url', 'http://a:b@c/'],
    ['an instant that is none', /^--before must be/, ...LEAST, '--before', 'yesterday'],
    ['a day', /^--before must be/, ...LEAST, '--before', '2026-01-01'],
    ['an unknown flag', /^Unknown option '--sub'/, '--sub', 'a'],
    ['an argument', /^Unexpected argument/, ...LEAST, 'x'],
  ];
  for (const [what, why, ...args] of wrong) {
    it(`refuses ${what}`, () =>
      assert.throws(
        () => parseRevokeOptions(args),
        (error) => error instanceof UsageError && why.test(error.message),
      ));
  }

  it('explains every flag', () => {
    for (const flag of ['url', 'ca', 'guard', 'subject', 'session', 'token-id', 'before', 'token-file']) {
      assert.ok(REVOKE_USAGE.includes(`--${flag}`), flag);
    }
  });
});
