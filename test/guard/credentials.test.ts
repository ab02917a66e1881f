import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConflictingTokensError, type CredentialOptions, findToken } from '../../src/guard/credentials.ts';

interface Case {
  readonly what: string;
  readonly authorization?: string | readonly string[];
  readonly cookie?: string;
  readonly query?: string;
  readonly options?: readonly CredentialOptions[];
  readonly stream: string;
  readonly answer: string;
}

const ALL: CredentialOptions = { header: true, query: 'access_token', cookie: 'session' };
const HEADER: CredentialOptions = { header: true, query: '' };
const QUERY: CredentialOptions = { header: false, query: 'jwt' };
const COOKIE: CredentialOptions = { header: false, query: '', cookie: 'other' };

const CASES: readonly Case[] = [
  { what: 'nothing', stream: 'missing', answer: 'missing' },
  { what: 'a header', authorization: 'Bearer h', stream: 'h', answer: 'h' },
  { what: 'a scheme in lower case', authorization: 'bearer h', stream: 'h', answer: 'h' },
  { what: 'a scheme in odd case and spaces', authorization: ' BeArEr   h ', stream: 'h', answer: 'h' },
  { what: 'another scheme', authorization: 'Basic h', stream: 'missing', answer: 'missing' },
  {
    what: 'another scheme that begins alike',
    authorization: 'BearerX h',
    stream: 'missing',
    answer: 'missing',
  },
  { what: 'a scheme alone', authorization: 'Bearer', stream: 'missing', answer: 'missing' },
  {
    what: 'another scheme beside a query',
    authorization: 'Basic h',
    query: 'access_token=q',
    stream: 'q',
    answer: 'q',
  },
  { what: 'the same header twice', authorization: ['Bearer h', 'bearer h'], stream: 'h', answer: 'h' },
  {
    what: 'two headers',
    authorization: ['Bearer h', 'Bearer i'],
    stream: 'conflicting_tokens',
    answer: 'conflicting_tokens',
  },
  {
    what: 'a header beside one of another scheme',
    authorization: ['Basic x', 'Bearer h'],
    stream: 'h',
    answer: 'h',
  },
  { what: 'a query', query: 'topic=a&access_token=q', stream: 'q', answer: 'q' },
  { what: 'an empty query', query: 'access_token=', stream: 'missing', answer: 'missing' },
  { what: 'another name in the query', query: 'token=q', stream: 'missing', answer: 'missing' },
  { what: 'the same twice in the query', query: 'access_token=q&access_token=q', stream: 'q', answer: 'q' },
  {
    what: 'two in the query',
    query: 'access_token=q&access_token=r',
    stream: 'conflicting_tokens',
    answer: 'conflicting_tokens',
  },
  { what: 'a cookie', cookie: 'a=b; session=c; d', stream: 'c', answer: 'c' },
  { what: 'a quoted cookie', cookie: 'session="c"', stream: 'c', answer: 'c' },
  { what: 'a cookie whose name ends alike', cookie: 'xsession=c', stream: 'missing', answer: 'missing' },
  {
    what: 'two cookies of one name',
    cookie: 'session=c; session=d',
    stream: 'conflicting_tokens',
    answer: 'conflicting_tokens',
  },
  {
    what: 'the same everywhere',
    authorization: 'Bearer t',
    cookie: 'session=t',
    query: 'access_token=t',
    stream: 't',
    answer: 't',
  },
  {
    what: 'another in the header than in the query',
    authorization: 'Bearer fresh',
    query: 'access_token=old',
    stream: 'conflicting_tokens',
    answer: 'fresh',
  },
  {
    what: 'another in the header than in the cookie',
    authorization: 'Bearer fresh',
    cookie: 'session=old',
    stream: 'conflicting_tokens',
    answer: 'fresh',
  },
  {
    what: 'another in the cookie than in the query',
    cookie: 'session=fresh',
    query: 'access_token=old',
    stream: 'conflicting_tokens',
    answer: 'fresh',
  },
  {
    what: 'places that no guard of the path accepts',
    authorization: 'Bearer h',
    cookie: 'session=c',
    query: 'access_token=q',
    options: [QUERY, COOKIE],
    stream: 'missing',
    answer: 'missing',
  },
  {
    what: 'a place that one of two guards accepts',
    query: 'jwt=q',
    options: [HEADER, QUERY],
    stream: 'q',
    answer: 'q',
  },
  {
    what: 'places of two guards',
    authorization: 'Bearer h',
    cookie: 'other=c',
    options: [HEADER, COOKIE],
    stream: 'conflicting_tokens',
    answer: 'h',
  },
  {
    what: 'a path whose guards are gone',
    authorization: 'Bearer h',
    options: [],
    stream: 'missing',
    answer: 'missing',
  },
];

describe('findToken', () => {
  for (const each of CASES) {
    for (const purpose of ['stream', 'answer'] as const) {
      it(`${purpose}, ${each.what}: ${each[purpose]}`, () => {
        const { authorization, cookie, query, options = [ALL] } = each;
        const find = () =>
          findToken(
            { authorization: [authorization ?? []].flat(), cookie, query: new URLSearchParams(query) },
            options,
            purpose,
          );
        const expected = each[purpose];
        if (/_|missing/.test(expected)) assert.throws(find, { code: expected });
        else assert.equal(find(), expected);
      });
    }
  }

  it('does not tell the tokens in its errors', () => {
    assert.throws(
      () => findToken({ query: new URLSearchParams('access_token=s1&access_token=s2') }, [ALL], 'stream'),
      (error) =>
        error instanceof ConflictingTokensError && error.message === 'the request holds two different tokens',
    );
  });
});
