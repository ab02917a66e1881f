import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GuardedEventSource } from '../../client/guarded-event-source.js';
import { ScriptedServer, stream } from '../listen/scripted-server.ts';
import { until } from '../support/until.ts';

/** WHATWG HTML, 9.2.2. */
describe('the interface of EventSource', () => {
  it('has its constants, on the class and on each instance', () => {
    using source = closing(new GuardedEventSource('https://stream.example/', { fetch: never }));
    for (const holder of [GuardedEventSource, source.it]) {
      assert.deepEqual([holder.CONNECTING, holder.OPEN, holder.CLOSED], [0, 1, 2]);
    }
  });

  it('has its attributes', () => {
    for (const [init, withCredentials] of [
      [undefined, false],
      [{ withCredentials: true }, true],
    ] as const) {
      using source = closing(
        new GuardedEventSource('https://stream.example/a b#c', { fetch: never, ...init }),
      );
      assert.equal(source.it.url, 'https://stream.example/a%20b#c');
      assert.equal(source.it.withCredentials, withCredentials);
      assert.equal(source.it.readyState, 0);
      assert.deepEqual([source.it.onopen, source.it.onmessage, source.it.onerror], [null, null, null]);
      assert.ok(source.it instanceof EventTarget);
    }
  });

  it('refuses a URL that is none, without repeating it', () => {
    for (const url of ['http://[', '/relative', '']) {
      assert.throws(() => new GuardedEventSource(url), {
        name: 'SyntaxError',
        message: 'The URL of the stream is not valid.',
      });
    }
  });

  it('sends cookies to another origin only when told to', async () => {
    for (const [init, credentials] of [
      [{}, 'same-origin'],
      [{ withCredentials: true }, 'include'],
    ] as const) {
      const inits: (RequestInit | undefined)[] = [];
      const fetch: typeof globalThis.fetch = (_url, init) => {
        inits.push(init);
        return new Promise(() => {});
      };
      using _source = closing(new GuardedEventSource('https://stream.example/', { fetch, ...init }));
      await until(() => inits.length > 0, 'it asks');
      assert.equal(inits[0]?.credentials, credentials);
      assert.equal(inits[0]?.cache, 'no-store');
    }
  });

  it('calls its handlers with itself as `this`, and events as they are specified', async () => {
    const server = await new ScriptedServer()
      .streams(stream('id:1\ndata:a\n\nevent:price\ndata:2\n\n'))
      .start();
    try {
      using source = closing(new GuardedEventSource(server.url()));
      const calls: [unknown, Event][] = [];
      source.it.onopen = function (event) {
        calls.push([this, event]);
      };
      source.it.onmessage = function (event) {
        calls.push([this, event]);
      };
      source.it.addEventListener('price', function (event) {
        calls.push([this, event]);
      });
      await until(() => calls.length === 3, 'all three are called');
      assert.ok(calls.every(([self, { target }]) => self === source.it && target === source.it));
      const [opened, message, price] = calls.map(([, event]) => event);
      assert.ok(opened !== undefined && !(opened instanceof MessageEvent));
      for (const [event, type, data] of [
        [message, 'message', 'a'],
        [price, 'price', '2'],
      ] as const) {
        assert.ok(event instanceof MessageEvent);
        const { origin } = server.url();
        const { lastEventId } = event;
        assert.deepEqual(
          { type: event.type, data: event.data, lastEventId, origin: event.origin },
          { type, data, lastEventId: '1', origin },
        );
        assert.deepEqual([event.bubbles, event.cancelable], [false, false]);
      }
    } finally {
      await server.stop();
    }
  });
});

/** Closed at the end of the block. */
function closing(it: GuardedEventSource): { readonly it: GuardedEventSource } & Disposable {
  return { it, [Symbol.dispose]: () => it.close() };
}

function never(): Promise<Response> {
  return new Promise(() => {});
}
