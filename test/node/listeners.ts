/**
 * `node listeners.ts --url URL --tokens FILE`: a stream for each token of `{name: token}`, opened again and again whenever
 * it ends. Says on a line of JSON each time that one opens or ends, with the instant by the machine's monotonic clock,
 * which all processes share.
 */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createParser } from 'eventsource-parser';

export interface Told {
  readonly name: string;
  readonly what: 'opened' | 'ended';
  /** Nanoseconds. */
  readonly at: string;
  /** As the stream said; `cut` when it said nothing. */
  readonly reason?: string;
}

const AGAIN_MS = 100;

if (import.meta.main) {
  const { values } = parseArgs({ options: { url: { type: 'string' }, tokens: { type: 'string' } } });
  const { url = '', tokens = '' } = values;
  const all: Readonly<Record<string, string>> = JSON.parse(readFileSync(tokens, 'utf8'));
  await Promise.all(Object.entries(all).map(([name, token]) => listen(url, name, token)));
}

async function listen(url: string, name: string, token: string): Promise<never> {
  for (;;) {
    await new Promise<void>((resolve) => {
      const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` };
      const request = get(url, { agent: false, headers }, (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          return;
        }
        tell({ name, what: 'opened' });
        let reason = 'cut';
        let over = false;
        const end = () => {
          if (!over) tell({ name, what: 'ended', reason });
          over = true;
        };
        const parser = createParser({
          onEvent({ event, data }) {
            if (event !== 'end') return;
            ({ reason } = JSON.parse(data));
            end();
          },
        });
        response.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
        response.on('error', end);
        response.on('close', end);
      });
      // Refused or reset: all the same.
      request.on('error', () => undefined);
      request.on('close', resolve);
    });
    await wait(AGAIN_MS);
  }
}

function tell(told: Omit<Told, 'at'>): void {
  process.stdout.write(`${JSON.stringify({ ...told, at: String(process.hrtime.bigint()) })}\n`);
}
