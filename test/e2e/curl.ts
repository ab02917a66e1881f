import { spawn } from 'node:child_process';
import { createParser } from 'eventsource-parser';
import type { Message } from '../support/open-stream.ts';
import { until } from '../support/until.ts';
import { kill } from './commands.ts';

/** A stream as `curl -N` shows it. */
export interface CurlStream extends AsyncDisposable {
  /** As on the status line: `HTTP/1.1 200 OK`, `HTTP/2 200`. */
  readonly statusLine: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly messages: readonly Message[];
  body(): string;
  /** Resolves with the first message of this type. */
  next(type: string): Promise<Message>;
  /** Curl's exit status when the stream is over: 0 only if the server ended it properly. */
  readonly ended: Promise<{ readonly status: number | null; readonly at: number }>;
}

/** @param args beside `-sN`, with the URL */
export async function openCurl(...args: readonly string[]): Promise<CurlStream> {
  const child = spawn('curl', ['-sN', '-D', '-', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  let head: string | undefined;
  let begun = '';
  let body = '';
  const messages: Message[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => void messages.push({ id, event, data }),
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (head !== undefined) return take(text);
    begun += text;
    const end = begun.indexOf('\r\n\r\n');
    if (end === -1) return;
    head = begun.slice(0, end);
    take(begun.slice(end + 4));
  });
  const take = (text: string): void => {
    body += text;
    parser.feed(text);
  };
  const ended = new Promise<{ status: number | null; at: number }>((resolve) => {
    child.on('close', (status) => resolve({ status, at: Date.now() }));
  });
  try {
    await until(() => head !== undefined || child.exitCode !== null, 'curl prints the headers');
  } catch (error) {
    await kill(child);
    throw error;
  }
  const [statusLine = '', ...lines] = (head ?? '').split('\r\n');
  return {
    statusLine: statusLine.trim(),
    headers: new Map(
      lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.replace(/^[^:]*: */, '')]),
    ),
    messages,
    body: () => body,
    async next(type) {
      const find = () => messages.find(({ event }) => (event ?? 'message') === type);
      await until(() => find() !== undefined, `${type} in ${JSON.stringify(body)}`);
      const found = find();
      if (found === undefined) throw new TypeError('a message that was there is gone');
      return found;
    },
    ended,
    [Symbol.asyncDispose]: () => kill(child),
  };
}
