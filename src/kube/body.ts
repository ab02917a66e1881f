import type { IncomingMessage } from 'node:http';
import { KubeError } from './kube-error.ts';

const LF = 0x0a;

/** @throws KubeError `too_large`, and whatever breaks the body off */
export async function readText(response: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const body: AsyncIterable<Buffer> = response;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) throw tooLarge('an answer', bytesMax);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws KubeError `malformed` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KubeError('malformed', 'the API server sent what is not JSON', { cause });
  }
}

/**
 * Whole lines, as they come; at most `bytesMax` bytes of one are held.
 *
 * @throws KubeError `too_large`; `unreachable` when the body ends within a line; whatever breaks the body off
 */
export async function* readLines(
  body: AsyncIterable<Buffer>,
  bytesMax: number,
): AsyncGenerator<string, void, void> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      parts.push(chunk.subarray(start, end));
      if (held + end - start > bytesMax) throw tooLarge('a line', bytesMax);
      const line = Buffer.concat(parts).toString('utf8');
      parts = [];
      held = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held > bytesMax) throw tooLarge('a line', bytesMax);
  }
  if (held > 0) throw new KubeError('unreachable', 'the answer ended within a line');
}

function tooLarge(what: string, bytesMax: number): KubeError {
  return new KubeError('too_large', `the API server sent ${what} of over ${bytesMax} bytes`);
}
