import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { Reflector } from '../../src/kube/reflector.ts';
import type { Selection } from '../../src/kube/resource-type.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RecordedLog } from '../support/recorded-guards.ts';
import {
  answer,
  bookmark,
  cutWatch,
  endedWatch,
  event,
  list,
  refuse,
  reset,
  type ScriptedApi,
  type Step,
  serveApi,
  statusOf,
  THINGS,
  thing,
  watch,
} from '../support/scripted-api.ts';
import { until } from '../support/until.ts';
import { clientOf, RecordedObjects, RecordedReflections } from './parts.ts';

interface Following {
  readonly api: ScriptedApi;
  readonly reflector: Reflector;
  readonly told: readonly string[];
  readonly observer: RecordedReflections;
  readonly log: RecordedLog;
  /** Of the reflector's own waits; requests run in real time. */
  readonly clock: FakeClock;
  /** Lets it wait as long as it wants to, until it has asked so often. */
  requests(count: number): Promise<void>;
}

async function follow(
  test: TestContext,
  steps: readonly Step[],
  selection: Selection = {},
): Promise<Following> {
  const api = await serveApi(test, steps);
  const { client } = clientOf(test, api);
  const listener = new RecordedObjects();
  const observer = new RecordedReflections();
  const log = new RecordedLog();
  const clock = new FakeClock();
  const parts = { reader: client, clock, random: () => 0.5, log, observer };
  const reflector = new Reflector(THINGS, selection, listener, parts);
  test.after(() => reflector.stop());
  await reflector.start();
  const requests = (count: number) =>
    until(() => {
      if (api.requests.length < count) clock.advance(50);
      return api.requests.length >= count;
    }, `${count} requests, of which there are ${api.requests.length}`);
  return { api, reflector, told: listener.told, observer, log, clock, requests };
}

/** What was asked, as `list` or `watch 5`. */
function asked({ requests }: ScriptedApi): string[] {
  return requests.map(({ query }) =>
    query.has('watch') ? `watch ${query.get('resourceVersion')}` : `list${query.get('continue') ?? ''}`,
  );
}

const added = (name: string, version: number, uid?: string) => event('ADDED', thing(name, version, uid));
const modified = (name: string, version: number, uid?: string) =>
  event('MODIFIED', thing(name, version, uid));
const deleted = (name: string, version: number) => event('DELETED', thing(name, version));
const expired = event('ERROR', statusOf(410, 'Expired', 'too old resource version'));

describe('a reflector', () => {
  it('lists all pages, then watches from there', async (test) => {
    const { api, reflector, told, observer } = await follow(test, [
      list([thing('a', 1), thing('b', 2)], '5', '-more'),
      list([thing('c', 3)], '5'),
      watch(added('d', 6), modified('a', 7), deleted('b', 8)),
    ]);
    await until(() => told.length === 6);
    assert.deepEqual(told, ['+a@1', '+b@2', '+c@3', '+d@6', 'a@1>7', '-b']);
    assert.deepEqual(asked(api), ['list', 'list-more', 'watch 5']);
    assert.deepEqual([...reflector.objects.keys()], ['here/a', 'here/c', 'here/d']);
    assert.deepEqual(observer.lists, ['things.example.dev 3']);
    assert.equal(reflector.state.kind, 'watching');
  });

  it('follows one name', async (test) => {
    const { api } = await follow(test, [list([], '5'), watch()], { namespace: 'here', name: 'a' });
    await until(() => api.requests.length === 2);
    for (const { path, query } of api.requests) {
      assert.equal(path, '/apis/example.dev/v1/namespaces/here/things');
      assert.equal(query.get('fieldSelector'), 'metadata.name=a');
    }
  });

  it('asks the server to end a watch after some five minutes', async (test) => {
    const { api } = await follow(test, [list([], '5'), watch()]);
    await until(() => api.requests.length === 2);
    assert.equal(api.requests[1]?.query.get('timeoutSeconds'), '300');
  });

  it('is synced after the first list, not by a part of it', async (test) => {
    const held = Promise.withResolvers<void>();
    const last: Step = (response, request) =>
      void held.promise.then(() => list([thing('b', 2)], '5')(response, request));
    const { api, reflector, told } = await follow(test, [list([thing('a', 1)], '5', '-more'), last, watch()]);
    await until(() => api.requests.length === 2);
    assert.deepEqual([reflector.isSynced, told], [false, []]);
    held.resolve();
    await reflector.synced;
    assert.deepEqual([reflector.isSynced, told], [true, ['+a@1', '+b@2']]);
  });

  it('tells nobody what it has told already', async (test) => {
    const { told } = await follow(test, [
      list([thing('a', 1)], '5'),
      watch(added('a', 1), modified('a', 1), deleted('z', 6), modified('a', 7)),
    ]);
    await until(() => told.length === 2);
    assert.deepEqual(told, ['+a@1', 'a@1>7']);
  });

  it('goes on after the last bookmark when the server ends the watch', async (test) => {
    const { api, observer, reflector } = await follow(test, [
      list([], '5'),
      endedWatch(bookmark('8')),
      endedWatch(added('a', 9)),
      watch(),
    ]);
    await until(() => api.requests.length === 4);
    assert.deepEqual(asked(api), ['list', 'watch 5', 'watch 8', 'watch 9']);
    assert.deepEqual([observer.failures, observer.lists.length], [[], 1]);
    await until(() => reflector.state.kind === 'watching');
  });

  it('does not ask in a loop when watches end at once', async (test) => {
    const { api, clock, observer, requests } = await follow(test, [
      list([], '5'),
      ...Array.from({ length: 9 }, () => endedWatch()),
      watch(),
    ]);
    await until(() => observer.failures.length === 1);
    await clock.advanceAsync(50, 10);
    assert.equal(api.requests.length, 2);
    await requests(11);
    assert.ok(clock.monotonicMs() > 10_000, `${clock.monotonicMs()} ms`);
    assert.deepEqual(new Set(observer.failures), new Set(['unavailable']));
  });

  it('goes on where it was when the connection breaks', async (test) => {
    const { api, told, requests } = await follow(test, [
      list([thing('a', 1)], '5'),
      cutWatch(modified('a', 6), '{"type":"MODI'),
      watch(modified('a', 7)),
    ]);
    await requests(3);
    await until(() => told.length === 3);
    assert.deepEqual(asked(api), ['list', 'watch 5', 'watch 6']);
    assert.deepEqual(told, ['+a@1', 'a@1>6', 'a@6>7']);
  });

  const forgotten: readonly (readonly [string, Step])[] = [
    ['in the answer', refuse(410, 'Expired')],
    ['in the stream', watch(expired)],
    ['in the stream, after events', watch(modified('a', 6), expired)],
  ];
  for (const [where, step] of forgotten) {
    it(`lists again at once after 410 ${where}, and tells what has gone meanwhile`, async (test) => {
      const { api, told, reflector, clock } = await follow(test, [
        list([thing('a', 1), thing('b', 2)], '5'),
        step,
        list([thing('b', 2), thing('c', 8)], '9'),
        watch(),
      ]);
      await until(() => {
        clock.advance(0);
        return api.requests.length === 4;
      });
      assert.deepEqual(asked(api), ['list', 'watch 5', 'list', 'watch 9']);
      assert.deepEqual(
        told.filter((word) => word !== 'a@1>6'),
        ['+a@1', '+b@2', '-a', '+c@8'],
      );
      await until(() => reflector.state.kind === 'watching');
    });
  }

  it('waits longer and longer when every list leads to 410', async (test) => {
    const steps = Array.from({ length: 8 }, () => [list([], '5'), refuse(410, 'Expired')]).flat();
    const { clock, requests } = await follow(test, steps);
    await requests(16);
    assert.ok(clock.monotonicMs() > 4_000, `${clock.monotonicMs()} ms`);
  });

  it('tells an object that was made again under its name as another one', async (test) => {
    const { told } = await follow(test, [
      list([thing('a', 1)], '5'),
      watch(modified('a', 6, 'uid-other'), expired),
      list([thing('a', 9, 'uid-third')], '9'),
      watch(),
    ]);
    await until(() => told.length === 3);
    assert.deepEqual(told, ['+a@1', '-a', '+a@6']);
  });

  const faults: readonly (readonly [string, Step, string])[] = [
    ['a server that is away', reset, 'unreachable'],
    ['an error', refuse(500, 'InternalError'), 'unavailable'],
    ['a redirect', (response) => response.writeHead(302, { location: '/sign-in' }).end(), 'malformed'],
    ['a right that is missing', refuse(403, 'Forbidden'), 'forbidden'],
    ['credentials that are refused', refuse(401, 'Unauthorized'), 'unauthorized'],
    ['a type that is not installed', refuse(404, 'NotFound'), 'not_found'],
    ['an overloaded server', refuse(429, 'TooManyRequests', 'later', {}, { 'retry-after': '1' }), 'too_many'],
    ['a bad request', refuse(400, 'BadRequest'), 'invalid'],
  ];
  for (const [what, step, code] of faults) {
    it(`has its first list after ${what}`, async (test) => {
      const { reflector, observer, log, told, requests, clock } = await follow(test, [
        step,
        step,
        list([thing('a', 1)], '5'),
        watch(),
      ]);
      await until(() => reflector.state.kind === 'failing');
      const { state } = reflector;
      assert.ok(state.kind === 'failing' && state.code === code && state.why !== '');
      assert.equal(reflector.isSynced, false);
      await requests(4);
      await until(() => reflector.state.kind === 'watching');
      assert.deepEqual([told, observer.failures], [['+a@1'], [code, code]]);
      assert.equal(
        log.lines.filter((line) => line.includes('"warn"')).length,
        1,
        'one line, not one an attempt',
      );
      assert.ok(!log.lines.join().includes('secret-token'));
      if (code === 'not_found') assert.ok(clock.monotonicMs() > 10_000, `${clock.monotonicMs()} ms`);
      if (code === 'forbidden') assert.ok(clock.monotonicMs() < 1_000, `${clock.monotonicMs()} ms`);
      if (code === 'too_many') assert.ok(clock.monotonicMs() > 1_000, `${clock.monotonicMs()} ms`);
    });

    it(`keeps what it has through ${what}`, async (test) => {
      const { api, reflector, told, requests } = await follow(test, [
        list([thing('a', 1)], '5'),
        endedWatch(bookmark('6')),
        step,
        ...(code === 'too_many' ? [] : [step]),
        ...(code === 'too_many' ? [] : [list([thing('a', 7)], '9')]),
        watch(modified('a', 10)),
      ]);
      await until(() => reflector.state.kind === 'failing');
      assert.deepEqual([...reflector.objects.keys()], ['here/a']);
      await requests(code === 'too_many' ? 4 : 6);
      await until(() => told.at(-1)?.endsWith('>10') === true);
      assert.deepEqual(
        told.filter((word) => word.startsWith('-')),
        [],
      );
      // A watch that can not be opened is followed by a list; an overloaded server is spared it.
      assert.equal(asked(api).lastIndexOf('list') > 0, code !== 'too_many');
    });
  }

  it('throws a list away that breaks off, or whose version is forgotten between pages', async (test) => {
    const { api, told, requests } = await follow(test, [
      list([thing('a', 1)], '5', '-more'),
      refuse(410, 'Expired'),
      list([thing('b', 6)], '7', '-more'),
      // Once on the kept connection, and once more on a new one.
      reset,
      reset,
      list([thing('c', 8)], '9'),
      watch(),
    ]);
    await requests(7);
    assert.deepEqual(told, ['+c@8']);
    const words = ['list', 'list-more', 'list', 'list-more', 'list-more', 'list', 'watch 9'];
    assert.deepEqual(asked(api), words);
  });

  it('asks for smaller pages when one is too large', async (test) => {
    const api = await serveApi(test, [
      list(
        Array.from({ length: 20 }, (_, index) => thing(`a${index}`, 1)),
        '5',
      ),
      list([thing('a', 1)], '5'),
      watch(),
    ]);
    const { client } = clientOf(test, api, { answerBytes: 1_000 });
    const listener = new RecordedObjects();
    const parts = { clock: systemClock, random: () => 0, log: new RecordedLog() };
    const observer = new RecordedReflections();
    await using following = new AsyncDisposableStack();
    const reflector = new Reflector(THINGS, {}, listener, { reader: client, observer, ...parts });
    following.defer(() => reflector.stop());
    await reflector.start();
    await reflector.synced;
    assert.deepEqual(
      api.requests.slice(0, 2).map(({ query }) => query.get('limit')),
      ['250', '125'],
    );
  });

  it('survives a listener that throws, and says so', async (test) => {
    const api = await serveApi(test, [
      list([thing('a', 1), thing('b', 2)], '5'),
      list([thing('a', 1), thing('b', 2)], '5'),
      watch(),
    ]);
    const { client } = clientOf(test, api);
    const log = new RecordedLog();
    const told: string[] = [];
    const changed = ({ metadata }: { metadata: { name: string } }) => {
      told.push(metadata.name);
      if (told.length === 1) throw new RangeError('a bug');
    };
    const parts = {
      reader: client,
      clock: systemClock,
      random: () => 0,
      log,
      observer: new RecordedReflections(),
    };
    const reflector = new Reflector(THINGS, {}, { changed, deleted: () => undefined }, parts);
    test.after(() => reflector.stop());
    await reflector.start();
    await reflector.synced;
    assert.deepEqual(told, ['a', 'b']);
    assert.match(log.lines[0] ?? '', /"level":"error".*"code":"internal","why":"a bug"/);
  });

  it('knows for how long it has heard nothing', async (test) => {
    const later = Promise.withResolvers<void>();
    const slow: Step = (response, request) =>
      void later.promise.then(() => watch(bookmark('6'))(response, request));
    const { reflector, clock, api } = await follow(test, [list([], '5'), slow]);
    assert.equal(reflector.watchAgeSeconds, undefined);
    await until(() => api.requests.length === 2);
    clock.advance(75_000);
    assert.equal(reflector.watchAgeSeconds, 75);
    later.resolve();
    await until(() => reflector.watchAgeSeconds === 0);
  });

  it('leaves out who wrote which field', async (test) => {
    const object = thing('a', 1);
    const managed = { ...object, metadata: { ...object.metadata, managedFields: [{ manager: 'x' }] } };
    const { reflector } = await follow(test, [list([managed], '5'), watch()]);
    await reflector.synced;
    assert.deepEqual([...reflector.objects.values()], [object]);
  });

  for (const [when, steps] of [
    ['listing', []],
    ['watching', [list([], '5'), watch()]],
    ['waiting', [reset]],
  ] satisfies [string, Step[]][]) {
    it(`stops while ${when}, at once`, async (test) => {
      const { reflector, api } = await follow(test, steps);
      await until(() => api.requests.length === Math.max(1, steps.length));
      if (when === 'waiting') await until(() => reflector.state.kind === 'failing');
      await reflector.stop();
      await reflector.synced;
      assert.equal(reflector.state.kind, 'stopped');
    });
  }

  it('tells nothing more once it is stopped', async (test) => {
    const page = Promise.withResolvers<void>();
    const slow: Step = (response) => void page.promise.then(() => response.end());
    const { reflector, told, api } = await follow(test, [slow, answer({})]);
    await until(() => api.requests.length === 1);
    const stopped = reflector.stop();
    page.resolve();
    await stopped;
    assert.deepEqual(told, []);
  });
});
