import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type DevProcess, startDev } from '../support/dev-process.ts';
import { type OpenStream, openStream } from '../support/open-stream.ts';
import { run, without } from './commands.ts';

describe('publishing', () => {
  let dev: DevProcess;
  let token: string;
  const listen = (): Promise<OpenStream> =>
    openStream(dev.ports.clearText, '/events', { authorization: `Bearer ${token}` });
  const lines = (text: string): unknown[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));

  before(async () => {
    dev = await startDev();
    token = await dev.token('--ttl', '10m');
  });
  after(() => dev?.[Symbol.asyncDispose]());

  describe('with nc', { skip: without('nc') }, () => {
    // -N: the end of the input is sent on as FIN.
    const nc = (input: string) => run('nc', ['-N', 'localhost', String(dev.ports.ingest)], input);

    it('is silent, but for lines that want to know', async () => {
      using stream = await listen();
      const { out, status } = await nc('{"data":"a"}\r\n{"data":{"b": 1.0},"event":"note","ref":"x"}\n');
      assert.equal(status, 0);
      const note = await stream.next('note');
      assert.deepEqual(lines(out), [{ ref: 'x', id: note.id }]);
      assert.equal(note.data, '{"b":1.0}');
      assert.equal((await stream.next('message')).data, 'a');
    });

    it('is told what is wrong with a line, and the rest goes on', async () => {
      using stream = await listen();
      const { out } = await nc(
        'no json\n{"data":"x","tо":"alice"}\n{"data":"x","event":"end","ref":"r"}\n{"data":"good"}\n',
      );
      assert.deepEqual(
        lines(out).map((reply) =>
          JSON.parse(JSON.stringify(reply), (key, value) => (key === 'message' ? typeof value : value)),
        ),
        [
          { error: { code: 'not_json', message: 'string', line: 1 } },
          { error: { code: 'unknown_field', message: 'string', line: 2 } },
          { ref: 'r', error: { code: 'reserved_event', message: 'string', line: 3 } },
        ],
      );
      assert.equal((await stream.next('message')).data, 'good');
      assert.equal(stream.messages.length, 1);
    });

    it('needs no newline behind the last line', async () => {
      using stream = await listen();
      const { out } = await nc('{"data":"first"}\n{"data":"last","ref":"1"}');
      const last = await stream.next('message', 2);
      assert.equal(last.data, 'last');
      assert.deepEqual(lines(out), [{ ref: '1', id: last.id }]);
    });

    it('reaches only whom it is for', async () => {
      const other = await dev.token('--ttl', '10m', '--sub', 'bob');
      using alice = await listen();
      using bob = await openStream(dev.ports.clearText, '/events', { authorization: `Bearer ${other}` });
      await nc('{"data":"secret","to":"bob"}\n{"data":"all"}\n');
      await alice.next('message');
      await bob.next('message', 2);
      assert.deepEqual(
        [alice, bob].map(({ messages }) => messages.map(({ data }) => data)),
        [['all'], ['secret', 'all']],
      );
    });

    it('is not for web pages', async () => {
      const { out } = await nc('POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{"data":"x"}\n');
      assert.match(out, /^\{"error":\{"code":"http_request","message":"[^"]+","line":1\}\}\n$/);
    });
  });

  describe('with curl', { skip: without('curl') }, () => {
    const post = (body: string, ...flags: string[]) =>
      run(
        'curl',
        ['-sS', '--data-binary', '@-', ...flags, `http://localhost:${dev.ports.publish}/publish`],
        body,
      );

    it('gets one reply line for each line', async () => {
      using stream = await listen();
      const { out } = await post(
        '{"data":"one"}\nnot json\n{"data":"two","ref":"2"}',
        '-H',
        'content-type: application/x-ndjson',
      );
      await stream.next('message', 2);
      const [one, wrong, two] = lines(out);
      assert.deepEqual(
        [one, two],
        [{ id: stream.messages[0]?.id }, { ref: '2', id: stream.messages[1]?.id }],
      );
      assert.match(JSON.stringify(wrong), /^\{"error":\{"code":"not_json",.*"line":2\}\}$/);
    });

    it('may be repeated with an Idempotency-Key', async () => {
      using stream = await listen();
      const flags = ['-H', 'content-type: application/json', '-H', 'idempotency-key: order-7'];
      const replies = [await post('{"data":"once"}', ...flags), await post('{"data":"once"}', ...flags)];
      assert.equal(replies[0]?.out, replies[1]?.out);
      await post('{"data":"after"}', '-H', 'content-type: application/json');
      await stream.next('message', 2);
      assert.deepEqual(
        stream.messages.map(({ data }) => data),
        ['once', 'after'],
      );
    });

    it('refuses what a web page could send without being asked', async () => {
      const { out } = await post('{"data":"x"}', '-H', 'content-type: text/plain');
      assert.equal(JSON.parse(out).code, 'unsupported_media_type');
    });
  });
});
