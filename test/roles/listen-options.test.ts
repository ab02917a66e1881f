import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseListenOptions } from '../../src/roles/listen-options.ts';

const URL_TEXT = 'https://localhost:7143/events';

describe('parseListenOptions', () => {
  it('takes a URL alone', async () => {
    const { url, tokens, ...rest } = parseListenOptions([URL_TEXT]);
    assert.equal(url.href, URL_TEXT);
    assert.equal(tokens.renewable, false);
    assert.deepEqual(rest, {
      trust: { insecure: false },
      json: false,
      lastEventId: undefined,
      attemptsMax: Number.POSITIVE_INFINITY,
    });
  });

  it('takes all flags, before and after the URL', () => {
    const flags = [
      '--topic',
      'a',
      '--insecure',
      `${URL_TEXT}#part`,
      '--topic=b',
      '--last-event-id',
      '5-0',
      '--json',
    ];
    const { url, tokens, ...rest } = parseListenOptions([
      ...flags,
      '--max-attempts',
      '4',
      '--token-command',
      'x',
    ]);
    assert.equal(url.href, `${URL_TEXT}?topic=a&topic=b`);
    assert.equal(tokens.renewable, true);
    assert.deepEqual(rest, { trust: { insecure: true }, json: true, lastEventId: '5-0', attemptsMax: 4 });
  });

  const wrong: readonly [readonly string[], string][] = [
    [[], 'listen needs exactly one URL'],
    [[URL_TEXT, URL_TEXT], 'listen needs exactly one URL'],
    [['localhost:7143/events'], 'URL must be that of a stream, such as https://localhost:7143/events'],
    [['/events?access_token=S3CRET'], 'URL must be that of a stream, such as https://localhost:7143/events'],
    [['ftp://localhost/S3CRET'], 'URL must be that of a stream, such as https://localhost:7143/events'],
    [['https://me:S3CRET@localhost/'], 'URL must not hold a user name or password'],
    [['https://me@localhost/'], 'URL must not hold a user name or password'],
    [[URL_TEXT, '--tokn', 'S3CRET'], "Unknown option '--tokn'"],
    [
      [URL_TEXT, '--token', 'S3CRET', '--token-file', 'f'],
      '--token, --token-command and --token-file exclude each other',
    ],
    [
      [URL_TEXT, '--token-command', 'c', '--token-file', 'f'],
      '--token, --token-command and --token-file exclude each other',
    ],
    [[URL_TEXT, '--insecure', '--ca', 'f'], '--ca and --insecure exclude each other'],
    [[URL_TEXT, '--last-event-id', ''], '--last-event-id must be 1 to 254 characters of visible ASCII'],
    [[URL_TEXT, '--last-event-id', 'a\nb'], '--last-event-id must be 1 to 254 characters of visible ASCII'],
    [
      [URL_TEXT, '--last-event-id', 'x'.repeat(255)],
      '--last-event-id must be 1 to 254 characters of visible ASCII',
    ],
    [[URL_TEXT, '--max-attempts', '0'], '--max-attempts must be a number from 1 to 999999'],
  ];
  for (const [args, message] of wrong) {
    it(`refuses ${JSON.stringify(args).slice(0, 70)}`, () =>
      assert.throws(() => parseListenOptions(args), { name: 'UsageError', code: 'usage', message }));
  }

  it('refuses a token that is none, without repeating it', () => {
    assert.throws(() => parseListenOptions([URL_TEXT, '--token', 'S3 CRET']), {
      code: 'no_token',
      message: '--token gave something that is not a bearer token',
    });
  });

  for (const [name, path] of [
    ['is missing', '/nonexistent/ca.pem'],
    ['is no certificate', import.meta.filename],
  ] as const) {
    it(`refuses a CA that ${name}`, () =>
      assert.throws(() => parseListenOptions([URL_TEXT, '--ca', path]), {
        name: 'InputError',
        message: `--ca ${path} could not be read as a certificate in PEM`,
      }));
  }
});
