import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { isKubeError, type KubeCode } from '../../src/kube/kube-error.ts';
import type { WatchEvent } from '../../src/kube/watch-event.ts';
import {
  answer,
  bookmark,
  cutWatch,
  endedWatch,
  event,
  list,
  refuse,
  reset,
  type Step,
  serveApi,
  silence,
  statusOf,
  THINGS,
  thing,
  watch,
} from '../support/scripted-api.ts';
import { clientOf } from './parts.ts';

const A = { name: 'a', namespace: 'here' };
const PATH = '/apis/example.dev/v1/namespaces/here/things/a';
const COLLECTION = '/apis/example.dev/v1/namespaces/here/things';
const FROM = { resourceVersion: '5', seconds: 300 };

const calls: readonly {
  what: string;
  call: (client: KubeClient) => Promise<unknown>;
  method: string;
  path: string;
  query?: string;
  type?: string;
}[] = [
  { what: 'get', call: (client) => client.get(THINGS, A), method: 'GET', path: PATH },
  {
    what: 'get of the core group, of no namespace',
    call: (client) =>
      client.get({ group: '', version: 'v1', plural: 'nodes', kind: 'Node' }, { name: 'n/1' }),
    method: 'GET',
    path: '/api/v1/nodes/n%2F1',
  },
  {
    what: 'apply',
    call: (client) => client.apply(THINGS, thing('a', 1), { fieldManager: 'us', force: true }),
    method: 'PATCH',
    path: PATH,
    query: 'fieldValidation=Strict&fieldManager=us&force=true',
    type: 'application/apply-patch+yaml',
  },
  {
    what: 'apply of the status',
    call: (client) => client.applyStatus(THINGS, thing('a', 1), { fieldManager: 'us' }),
    method: 'PATCH',
    path: `${PATH}/status`,
    query: 'fieldValidation=Strict&fieldManager=us&force=false',
    type: 'application/apply-patch+yaml',
  },
  {
    what: 'create',
    call: (client) => client.create(THINGS, thing('a', 1)),
    method: 'POST',
    path: COLLECTION,
    query: 'fieldValidation=Strict',
    type: 'application/json',
  },
  {
    what: 'update',
    call: (client) => client.update(THINGS, thing('a', 1), { fieldManager: 'us' }),
    method: 'PUT',
    path: PATH,
    query: 'fieldValidation=Strict&fieldManager=us',
    type: 'application/json',
  },
  {
    what: 'patch',
    call: (client) => client.patch(THINGS, A, { spec: { size: 2 } }, { subresource: 'scale' }),
    method: 'PATCH',
    path: `${PATH}/scale`,
    query: 'fieldValidation=Strict',
    type: 'application/merge-patch+json',
  },
  {
    what: 'delete',
    call: (client) => client.delete(THINGS, A, { uid: 'uid-a' }),
    method: 'DELETE',
    path: PATH,
    type: 'application/json',
  },
];

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

const html: Step = (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad</h1>');
const text404: Step = (response) => response.writeHead(404).end('404 page not found\n');
const moved: Step = (response) => response.writeHead(302, { location: 'https://elsewhere.test/' }).end();
const cutBody: Step = (response) => {
  response.writeHead(200, { 'content-length': '1000' }).write('{"kind":');
  response.socket?.end();
};

const refusals: readonly (readonly [string, Step, KubeCode, boolean, RegExp])[] = [
  [
    '401',
    refuse(401, 'Unauthorized', 'token abc'),
    'unauthorized',
    true,
    /the credentials are not accepted$/,
  ],
  ['403', refuse(403, 'Forbidden', 'things "a" is forbidden'), 'forbidden', true, /things "a" is forbidden$/],
  ['404', refuse(404, 'NotFound', 'things "a" not found'), 'not_found', true, /things "a" not found$/],
  ['404 of an unknown path', text404, 'not_found', true, /^get things\.example\.dev: status 404$/],
  ['409 for a name', refuse(409, 'AlreadyExists'), 'already_exists', true, /AlreadyExists/],
  ['409 for a version', refuse(409, 'Conflict'), 'conflict', true, /Conflict/],
  ['410', refuse(410, 'Expired', 'too old'), 'gone', true, /too old/],
  [
    '422',
    refuse(422, 'Invalid', 'spec.size: Invalid value: 0'),
    'invalid',
    false,
    /spec\.size: Invalid value/,
  ],
  ['400', refuse(400, 'BadRequest', 'unknown field\n"x"'), 'invalid', false, /unknown field "x"$/],
  ['415', refuse(415, 'UnsupportedMediaType'), 'invalid', false, /Unsupported/],
  ['429', refuse(429, 'TooManyRequests'), 'too_many', true, /TooMany/],
  ['500', refuse(500, 'InternalError', 'etcd is away'), 'unavailable', true, /etcd is away/],
  ['a web page of a proxy', html, 'unavailable', true, /^get things\.example\.dev: status 502$/],
  ['a redirect', moved, 'malformed', true, /status 302/],
  ['HTML with status 200', (response) => response.end('<h1>'), 'malformed', true, /not JSON/],
  ['no object', answer({ kind: 'Thing' }), 'malformed', true, /not an object/],
  [
    'a version that is a number',
    answer({ ...thing('a', 1), metadata: { name: 'a', uid: 'u', resourceVersion: 1 } }),
    'malformed',
    true,
    /not an object/,
  ],
  ['a message of 1 MB', refuse(422, 'Invalid', 'x'.repeat(1e6)), 'invalid', false, /^.{1000,1040}…$/],
  ['a body that is cut', cutBody, 'unreachable', true, /\(ECONNRESET\)$/],
  ['a reset', reset, 'unreachable', true, /\(ECONNRESET\)$/],
  ['more than it may', answer(thing('a', 1), 200, { 'x-pad': '' }), 'too_large', false, /over 100 bytes$/],
];

describe('a call to the API server', () => {
  for (const { what, call, method, path, query = '', type } of calls) {
    it(`${what} is ${method} ${path}`, async (test) => {
      const api = await serveApi(test, [answer(thing('a', 1))]);
      await call(clientOf(test, api).client);
      const [request] = api.requests;
      assert.deepEqual(
        [request?.method, request?.path, request?.query.toString(), request?.headers['content-type']],
        [method, path, query, type],
      );
      assert.equal(request?.headers.authorization, 'Bearer secret-token');
      assert.equal(request?.headers['user-agent'], 'tidegate/test');
    });
  }

  it('carries what is written, and gives back what is there', async (test) => {
    const api = await serveApi(test, [answer(thing('a', 2))]);
    const { client } = clientOf(test, api);
    const written = await client.apply(THINGS, thing('a', 1), { fieldManager: 'us' });
    assert.equal(written.metadata.resourceVersion, '2');
    assert.deepEqual(JSON.parse(api.requests[0]?.body ?? ''), thing('a', 1));
  });

  it('deletes only the object that is meant', async (test) => {
    const api = await serveApi(test, [answer(statusOf(200, 'Success'))]);
    await clientOf(test, api).client.delete(THINGS, A, { uid: 'u', resourceVersion: '7' });
    assert.deepEqual(JSON.parse(api.requests[0]?.body ?? ''), {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Background',
      preconditions: { uid: 'u', resourceVersion: '7' },
    });
  });

  for (const [what, step, code, retryable, message] of refusals) {
    it(`that is answered with ${what} fails as ${code}`, async (test) => {
      const api = await serveApi(test, [step]);
      const limits = code === 'too_large' ? { answerBytes: 100 } : {};
      const { client } = clientOf(test, api, limits);
      await assert.rejects(client.get(THINGS, A), (error) => {
        assert.ok(isKubeError(error, code), String(error));
        assert.equal(error.retryable, retryable);
        assert.match(error.message, message);
        assert.ok(!`${error.message} ${error.stack}`.includes('secret-token'));
        return true;
      });
    });
  }

  it('says how long the server asks to be left alone, within reason', async (test) => {
    const api = await serveApi(test, [
      refuse(429, 'TooManyRequests', 'later', {}, { 'retry-after': '3' }),
      refuse(500, 'ServerTimeout', 'later', { retryAfterSeconds: 2 }),
      refuse(429, 'TooManyRequests', 'later', {}, { 'retry-after': '999999' }),
      refuse(429, 'TooManyRequests', 'later', {}, { 'retry-after': 'Wed, 01 Jan 2031 00:00:00 GMT' }),
    ]);
    const { client } = clientOf(test, api);
    for (const ms of [3_000, 2_000, 60_000, 0]) {
      await assert.rejects(client.get(THINGS, A), { retryAfterMs: ms });
    }
  });

  for (const [when, step] of [
    ['nothing is answered', silence],
    ['the answer stops', (response) => void response.writeHead(200, { 'content-length': '9' }).write('{')],
  ] satisfies [string, Step][]) {
    it(`ends when its time is over and ${when}`, async (test) => {
      const api = await serveApi(test, [step]);
      const { client } = clientOf(test, api, { requestMs: 100 });
      await assert.rejects(client.get(THINGS, A), { code: 'unreachable', message: /within 0\.1 s$/ });
    });
  }

  it('ends with the reason of its signal', async (test) => {
    const api = await serveApi(test, [silence]);
    const { client } = clientOf(test, api);
    const reason = new Error('enough');
    const controller = new AbortController();
    const call = client.get(THINGS, A, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(call, reason);
    await assert.rejects(client.get(THINGS, A, { signal: controller.signal }), reason);
  });

  it('leaves nothing behind at the signal, which may live as long as the process', async (test) => {
    const api = await serveApi(test, [
      answer(thing('a', 1)),
      refuse(404, 'NotFound'),
      endedWatch(bookmark('6')),
      reset,
    ]);
    const { client } = clientOf(test, api);
    const { signal } = new AbortController();
    await client.get(THINGS, A, { signal });
    await assert.rejects(client.get(THINGS, A, { signal }));
    for await (const _ of await client.watch(THINGS, {}, FROM, signal)) assert.equal(listeners(signal), 1);
    await assert.rejects(client.watch(THINGS, {}, FROM, AbortSignal.abort('enough')));
    assert.equal(listeners(signal), 0);
  });

  it('goes out on a connection that is kept', async (test) => {
    const api = await serveApi(
      test,
      [1, 2, 3].map(() => answer(thing('a', 1))),
    );
    const { client } = clientOf(test, api);
    for (let i = 0; i < 3; i++) await client.get(THINGS, A);
    assert.deepEqual(
      api.requests.map(({ connection }) => connection),
      [1, 1, 1],
    );
  });

  it('is repeated when the kept connection turns out to be closed, if it only reads', async (test) => {
    const api = await serveApi(test, [answer(thing('a', 1)), reset, answer(thing('a', 2)), reset]);
    const { client } = clientOf(test, api);
    await client.get(THINGS, A);
    assert.equal((await client.get(THINGS, A)).metadata.resourceVersion, '2');
    await assert.rejects(client.create(THINGS, thing('a', 1)), { code: 'unreachable' });
    assert.equal(api.requests.length, 4);
  });

  it('is sent again with the token that has taken the place of a refused one', async (test) => {
    const api = await serveApi(test, [refuse(401, 'Unauthorized'), answer(thing('a', 1))]);
    const { client, credentials } = clientOf(test, api);
    credentials.renew = { token: 'next-token' };
    await client.apply(THINGS, thing('a', 1), { fieldManager: 'us' });
    assert.deepEqual(
      api.requests.map(({ headers }) => headers.authorization),
      ['Bearer secret-token', 'Bearer next-token'],
    );
  });

  it('is sent once when there is no other token', async (test) => {
    const api = await serveApi(test, [refuse(401, 'Unauthorized'), answer(thing('a', 1))]);
    const { client, credentials } = clientOf(test, api);
    await assert.rejects(client.get(THINGS, A), { code: 'unauthorized' });
    assert.deepEqual([credentials.doubts, api.requests.length], [1, 1]);
  });

  it('trusts only the CA it was given, and a new one from the next call on', async (test) => {
    const [api, other] = await Promise.all([serveApi(test, [answer(thing('a', 1))]), serveApi(test)]);
    const { client, credentials } = clientOf(test, api);
    await other.stop();
    credentials.renew = { ca: FOREIGN_CA };
    credentials.doubt();
    await assert.rejects(client.get(THINGS, A), { code: 'unreachable', message: /\(\w+\)$/ });
    credentials.renew = { ca: api.certificate.cert };
    credentials.doubt();
    await client.get(THINGS, A);
  });

  it('never goes out in clear text to another machine', async (test) => {
    const api = await serveApi(test);
    const { client, credentials } = clientOf(test, api);
    credentials.renew = { server: new URL('http://api.test:6443') };
    credentials.doubt();
    await assert.rejects(client.get(THINGS, A), { code: 'credentials', message: /https only/ });
  });

  for (const name of ['', '.', '..']) {
    it(`has no path for the name "${name}"`, async (test) => {
      const { client } = clientOf(test, await serveApi(test));
      assert.throws(() => client.get(THINGS, { name }), TypeError);
    });
  }
});

describe('a list', () => {
  it('comes in pages, with what every item leaves out', async (test) => {
    const { apiVersion: _, kind: __, ...bare } = thing('a', 1);
    const api = await serveApi(test, [list([bare], '9', 'more'), list([], '9')]);
    const { client } = clientOf(test, api);
    const selection = { namespace: 'here', name: 'a', labelSelector: 'x in (1,2)' };
    const page = await client.list(THINGS, selection, { objectsMax: 1 });
    assert.deepEqual(page, { objects: [thing('a', 1)], resourceVersion: '9', next: 'more' });
    const last = await client.list(THINGS, {}, { objectsMax: 1, next: 'more' });
    assert.deepEqual(last, { objects: [], resourceVersion: '9' });
    assert.deepEqual(
      api.requests.map(({ path, query }) => `${path} ${query}`),
      [
        `${COLLECTION} fieldSelector=metadata.name%3Da&labelSelector=x+in+%281%2C2%29&limit=1`,
        '/apis/example.dev/v1/things limit=1&continue=more',
      ],
    );
  });

  it('may be null where Go has made none', async (test) => {
    const api = await serveApi(test, [answer({ metadata: { resourceVersion: '1' }, items: null })]);
    const page = await clientOf(test, api).client.list(THINGS, {}, { objectsMax: 1 });
    assert.deepEqual(page.objects, []);
  });

  for (const [what, value] of [
    ['items that are no list', { metadata: { resourceVersion: '1' }, items: {} }],
    ['no version', { metadata: {}, items: [] }],
    ['no metadata', { items: [] }],
    ['an item without a name', { metadata: { resourceVersion: '1' }, items: [{}] }],
  ] as const) {
    it(`with ${what} is malformed`, async (test) => {
      const api = await serveApi(test, [answer(value)]);
      const listing = clientOf(test, api).client.list(THINGS, {}, { objectsMax: 1 });
      await assert.rejects(listing, { code: 'malformed' });
    });
  }
});

describe('a watch', () => {
  const stay = new AbortController().signal;

  async function read(events: AsyncIterable<WatchEvent>): Promise<string[]> {
    const told: string[] = [];
    try {
      for await (const event of events) {
        told.push(
          event.kind === 'bookmark'
            ? `bookmark ${event.resourceVersion}`
            : `${event.kind} ${event.object.metadata.name}`,
        );
      }
      return [...told, 'end'];
    } catch (error) {
      return [...told, isKubeError(error) ? error.code : String(error)];
    }
  }

  const A1 = event('ADDED', thing('a', 1));
  const line = JSON.stringify(A1);
  const streams: readonly (readonly [string, Step, readonly string[]])[] = [
    [
      'every kind of event',
      endedWatch(A1, event('MODIFIED', thing('b', 2)), event('DELETED', thing('c', 3)), bookmark('4')),
      ['added a', 'modified b', 'deleted c', 'bookmark 4', 'end'],
    ],
    ['nothing', endedWatch(), ['end']],
    ['empty lines and CRLF', endedWatch(`\n\r\n${line}\r\n`), ['added a', 'end']],
    ['half a line', endedWatch(`${line}\n{"type":"AD`), ['added a', 'unreachable']],
    ['a reset', cutWatch(A1, '{"ty'), ['added a', 'unreachable']],
    ['410 in the stream', watch(A1, event('ERROR', statusOf(410, 'Expired'))), ['added a', 'gone']],
    ['500 in the stream', watch(event('ERROR', statusOf(500, 'InternalError'))), ['unavailable']],
    ['an ERROR that says nothing', watch(event('ERROR', {})), ['unavailable']],
    ['an unknown kind', watch(event('WHAT', {})), ['malformed']],
    ['no JSON', watch('<h1>\n'), ['malformed']],
    ['no object', watch(event('ADDED', {})), ['malformed']],
    ['a bookmark without a version', watch(event('BOOKMARK', {})), ['malformed']],
    ['a line that is too long', watch(A1, 'x'.repeat(1_001)), ['added a', 'too_large']],
    ['a whole line that is too long', watch(`${' '.repeat(1_001)}\n`), ['too_large']],
  ];
  for (const [what, step, expected] of streams) {
    it(`that brings ${what} tells ${expected.join(', ')}`, async (test) => {
      const api = await serveApi(test, [step]);
      const { client } = clientOf(test, api, { lineBytes: 1_000 });
      assert.deepEqual(await read(await client.watch(THINGS, {}, FROM, stay)), expected);
    });
  }

  it('takes lines in whatever pieces they come', async (test) => {
    const drip: Step = async (response) => {
      for (const byte of Buffer.from(`${JSON.stringify(event('ADDED', thing('é', 1)))}\n`)) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    };
    const api = await serveApi(test, [drip]);
    const events = await clientOf(test, api).client.watch(THINGS, {}, FROM, stay);
    assert.deepEqual(await read(events), ['added é', 'end']);
  });

  it('asks for bookmarks, from a version, for a time', async (test) => {
    const api = await serveApi(test, [endedWatch()]);
    const selection = { namespace: 'here', name: 'a' };
    await clientOf(test, api).client.watch(THINGS, selection, { ...FROM, seconds: 299.5 }, stay);
    const [request] = api.requests;
    assert.equal(request?.path, COLLECTION);
    assert.deepEqual(Object.fromEntries(request?.query ?? []), {
      fieldSelector: 'metadata.name=a',
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: '5',
      timeoutSeconds: '300',
    });
  });

  it('that is refused rejects before anything is told', async (test) => {
    const api = await serveApi(test, [refuse(403, 'Forbidden')]);
    await assert.rejects(clientOf(test, api).client.watch(THINGS, {}, FROM, stay), { code: 'forbidden' });
  });

  it('that is not answered is given up', async (test) => {
    const api = await serveApi(test, [silence]);
    const { client } = clientOf(test, api, { requestMs: 100 });
    await assert.rejects(client.watch(THINGS, {}, FROM, stay), { code: 'unreachable' });
  });

  it('that the server forgets to end is ended', async (test) => {
    const api = await serveApi(test, [watch(A1)]);
    const { client } = clientOf(test, api, { watchSlackMs: 50 });
    const events = await client.watch(THINGS, {}, { ...FROM, seconds: 0.1 }, stay);
    assert.deepEqual(await read(events), ['added a', 'unreachable']);
  });

  it('outlives the time of a request, and ends with the reason of its signal', async (test) => {
    const api = await serveApi(test, [watch(A1)]);
    const { client } = clientOf(test, api, { requestMs: 50 });
    const controller = new AbortController();
    const events = await client.watch(THINGS, {}, FROM, controller.signal);
    setTimeout(() => controller.abort('enough'), 150);
    assert.deepEqual(await read(events), ['added a', 'enough']);
  });
});

/** Of nobody; made for this test once, its key thrown away. */
const FOREIGN_CA = (
  await import('../../src/dev/certificate.ts').then(({ createLocalCertificate }) =>
    createLocalCertificate(Date.now()),
  )
).cert;
