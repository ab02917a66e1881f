import { type Server, STATUS_CODES } from 'node:http';
import { answerBegins, isAnswering } from './latest-answer.ts';
import { problem, Refusal, type RefusalCode } from './refusal.ts';
import { isTaken } from './take-over.ts';

/**
 * Answers what never became a request, in Node's own words for what was wrong with it, and closes. A page of any origin
 * may read the answer: it holds nothing, and what the page's origin is, nobody has read.
 */
export function answerUnparsed(server: Server, refused: (code: RefusalCode) => void): void {
  server.on('request', ({ socket }, response) => answerBegins(socket, response));
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    // In the middle of another answer, or of a stream, it could only be taken for a part of that.
    const isBusy = isTaken(socket) || isAnswering(socket);
    // A peer that left in the middle of a request has said nothing wrong.
    const isGone = !socket.writable || LEFT.has(error.code ?? '');
    if (isGone || isBusy) socket.destroy();
    else {
      const code = CODES[error.code ?? ''] ?? 'bad_request';
      refused(code);
      socket.end(answer(new Refusal(code)));
    }
  });
}

const LEFT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE']);

const CODES: Readonly<Record<string, RefusalCode>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

function answer(refusal: Refusal): string {
  const body = problem(refusal);
  const lines = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'access-control-allow-origin: *',
    'connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
