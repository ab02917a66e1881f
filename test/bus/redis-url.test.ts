import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRedisUrl, type RedisTarget } from '../../src/bus/redis-url.ts';
import { InputError } from '../../src/core/coded-error.ts';
import { seededRandom } from '../support/seeded-random.ts';

const HOST = { host: 'h', port: 6379 };
const SINGLE = { kind: 'single', addresses: [HOST], tls: false, database: 0 } as const;
const SENTINELS = [
  { host: 'a', port: 26_379 },
  { host: 'b', port: 5000 },
];
const SENTINEL = { ...SINGLE, kind: 'sentinel', addresses: SENTINELS, sentinel: { master: 'm' } } as const;

describe('parseRedisUrl', () => {
  const good: readonly (readonly [url: string, target: RedisTarget])[] = [
    ['redis://h', SINGLE],
    ['redis://h/', SINGLE],
    [' redis://h:6379/0\n', SINGLE],
    ['rediss://h', { ...SINGLE, tls: true }],
    ['redis://10.0.0.1:7000/15', { ...SINGLE, addresses: [{ host: '10.0.0.1', port: 7000 }], database: 15 }],
    ['redis://[::1]', { ...SINGLE, addresses: [{ host: '::1', port: 6379 }] }],
    [
      'redis://u:p@[fe80::1.2.3.4]:1/2',
      {
        ...SINGLE,
        addresses: [{ host: 'fe80::1.2.3.4', port: 1 }],
        database: 2,
        username: 'u',
        password: 'p',
      },
    ],
    ['redis://a_b-c.example.:65535', { ...SINGLE, addresses: [{ host: 'a_b-c.example.', port: 65_535 }] }],
    ['redis://:p@h', { ...SINGLE, password: 'p' }],
    ['redis://p@h', { ...SINGLE, password: 'p' }],
    ['redis://u:p@h', { ...SINGLE, username: 'u', password: 'p' }],
    ['redis://u:@h', { ...SINGLE, username: 'u', password: '' }],
    ['redis://u:a:b+c@h', { ...SINGLE, username: 'u', password: 'a:b+c' }],
    ['redis://%40u%3A:%2F%3f%23%25%20%C3%BC@h', { ...SINGLE, username: '@u:', password: '/?#% ü' }],
    ['redis+sentinel://a,b:5000/m', SENTINEL],
    ['rediss+sentinel://a,b:5000/m/0', { ...SENTINEL, tls: true }],
    [
      'redis+sentinel://u:p@a,b:5000/my%20master/7?sentinelUsername=s&sentinelPassword=a+b%26%3D=',
      {
        ...SENTINEL,
        database: 7,
        username: 'u',
        password: 'p',
        sentinel: { master: 'my master', username: 's', password: 'a+b&==' },
      },
    ],
    [
      'redis+sentinel://a,b:5000/m?sentinelPassword=s',
      { ...SENTINEL, sentinel: { master: 'm', password: 's' } },
    ],
    ['redis+cluster://h', { ...SINGLE, kind: 'cluster' }],
    [
      'rediss+cluster://:p@a,[::2]:7/0',
      {
        kind: 'cluster',
        addresses: [
          { host: 'a', port: 6379 },
          { host: '::2', port: 7 },
        ],
        tls: true,
        database: 0,
        password: 'p',
      },
    ],
  ];
  for (const [url, target] of good) {
    it(`takes ${JSON.stringify(url)}`, () => assert.deepEqual(parseRedisUrl(url), target));
  }

  const FORM = 'the Redis URL must be such as redis://HOST:PORT, rediss:, redis+sentinel: or redis+cluster:';
  const ADDRESS = 'the Redis URL has a host that is not HOST or HOST:PORT';
  const DATABASE = 'the Redis URL must end with the number of a database, such as /0';
  const MASTER = 'the Redis URL must name the master: redis+sentinel://HOST,HOST/MASTER';
  const PARAMETER =
    'the Redis URL has a parameter other than sentinelUsername and sentinelPassword of redis+sentinel:';
  const bad: readonly (readonly [url: string, message: string])[] = [
    ['', FORM],
    ['h:6379', FORM],
    ['http://h', FORM],
    ['redis:h', FORM],
    ['redis://', FORM],
    ['redis://u:p@', FORM],
    ['redis://u:p/q@h', ADDRESS],
    ['redis://a@b@h', FORM],
    ['redis://h#x', FORM],
    ['redis+unix://h', FORM],
    ['redis://h h', ADDRESS],
    ['redis://h:', ADDRESS],
    ['redis://h:0', ADDRESS],
    ['redis://h:65536', ADDRESS],
    ['redis://h:x', ADDRESS],
    ['redis://::1', ADDRESS],
    ['redis+cluster://a,,b', ADDRESS],
    [
      'redis://a,b',
      'the Redis URL has several hosts, which only redis+sentinel: and redis+cluster: may have',
    ],
    ['redis://h/x', DATABASE],
    ['redis://h/-1', DATABASE],
    ['redis://h/0/0', DATABASE],
    ['redis://h/123456', DATABASE],
    ['redis+sentinel://h/m/x', DATABASE],
    ['redis+cluster://h/1', 'a Redis Cluster has only database 0'],
    ['redis+sentinel://h', MASTER],
    ['redis+sentinel://h/', MASTER],
    ['redis+sentinel://h/%zz', 'the name of the master in the Redis URL is not percent-encoded'],
    ['redis://%zz:p@h', 'the user in the Redis URL is not percent-encoded'],
    ['redis://u:100%@h', 'the password in the Redis URL is not percent-encoded'],
    [
      'redis+sentinel://h/m?sentinelPassword=%zz',
      'the sentinelPassword in the Redis URL is not percent-encoded',
    ],
    [
      'redis+sentinel://h/m?sentinelPassword=a&sentinelPassword=b',
      'the Redis URL has sentinelPassword twice',
    ],
    ['redis+sentinel://h/m?password=x', PARAMETER],
    ['redis+sentinel://h/m?sentinelPassword', PARAMETER],
    ['redis://h?sentinelPassword=x', PARAMETER],
    ['redis://h?tls=true', PARAMETER],
  ];
  for (const [url, message] of bad) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      assert.throws(() => parseRedisUrl(url), new InputError(message));
    });
  }

  it('repeats nothing of a URL that it refuses', () => {
    const random = seededRandom(7);
    const characters = 'abcXYZ0189%/:@?#[],+= ü😀\n';
    const word = () =>
      `Q${Array.from({ length: 6 }, () => [...characters][Math.floor(random() * 26)]).join('')}Q`;
    let refused = 0;
    for (let i = 0; i < 5000; i++) {
      const [user, password, host, rest] = [word(), word(), word(), word()];
      const url = `redis${['', '+sentinel', '+cluster', 's'][i % 4]}://${user}:${password}@${host}/${rest}?${word()}`;
      try {
        parseRedisUrl(url);
      } catch (error) {
        refused++;
        assert.ok(error instanceof InputError);
        for (const part of [user, password, host, rest]) assert.ok(!error.message.includes(part), url);
        assert.equal(error.cause, undefined);
      }
    }
    assert.ok(refused > 4000);
  });
});
