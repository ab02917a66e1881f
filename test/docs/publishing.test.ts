import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PublishServer } from '../../src/ingest/publish-server.ts';
import { TcpServer } from '../../src/ingest/tcp-server.ts';
import { createIntakeRig } from '../support/intake-parts.ts';
import { connectProducer } from '../support/producer.ts';
import { request } from '../support/request.ts';
import { readPage } from './markdown.ts';

const { blocks } = readPage('docs/publishing.md');

describe('docs/publishing.md', () => {
  it('shows what producers are told by TCP', async () => {
    const lines = blocks.find(({ language }) => language === 'text')?.text.split('\n') ?? [];
    const [sent, shown] = [marked(lines, '→ '), marked(lines, '← ')];
    assert.ok(sent.length > 4 && shown.length > 4);
    const server = new TcpServer(createIntakeRig().parts);
    const port = await server.start({ host: '127.0.0.1', port: 0 });
    try {
      using producer = await connectProducer(port);
      producer.socket.write(sent.map((line) => `${line}\n`).join(''));
      await producer.told(shown.length);
      assert.deepEqual(
        producer.replies().map(withoutId),
        shown.map((line) => withoutId(JSON.parse(line))),
      );
    } finally {
      await server.stop();
    }
  });

  it('shows what they are told by HTTP', async () => {
    const [asked = '', answered = ''] = blocks
      .filter(({ language }) => language === 'http')
      .map(({ text }) => text);
    const { headers, body } = parseMessage(asked);
    const expected = parseMessage(answered);
    const server = new PublishServer(createIntakeRig().parts);
    const port = await server.start({ host: '127.0.0.1', port: 0 });
    try {
      const url = `http://127.0.0.1:${port}/publish`;
      const reply = await request(url, { method: 'POST', headers, body });
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get('content-type'), expected.headers['content-type']);
      assert.deepEqual(told(reply.body), told(expected.body));
    } finally {
      await server.stop();
    }
  });
});

function marked(lines: readonly string[], mark: string): readonly string[] {
  return lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
}

function told(body: string): readonly object[] {
  return body
    .trim()
    .split('\n')
    .map((line) => withoutId(JSON.parse(line)));
}

/** The id is the log's. */
function withoutId(reply: object): object {
  return 'id' in reply ? { ...reply, id: typeof reply.id } : reply;
}

function parseMessage(text: string): { headers: Record<string, string>; body: string } {
  const [head = '', body = ''] = text.split('\n\n');
  const [, ...lines] = head.split('\n');
  const headers = lines.map((line) => {
    const [name = '', value = ''] = line.split(': ');
    return [name.toLowerCase(), value] as const;
  });
  return { headers: Object.fromEntries(headers), body };
}
