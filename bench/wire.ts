/** The bytes that the load client sends: requests of HTTP/1.1, header blocks of HTTP/2, and what is published. */
import { headerBlock } from '../test/support/http2-frames.ts';

/** Stands for the stamp, which the load client writes. */
export const STAMP = '@'.repeat(16);
/** 121 bytes, ending with the stamp and the marker that the load client counts. */
export const DATA = `${'x'.repeat(104)}${STAMP}~`;

export type Headers = Readonly<Record<string, string>>;

export function httpRequest(path: string, headers: Headers = {}): Buffer {
  const all = Object.entries({ host: 'localhost', accept: 'text/event-stream', ...headers });
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    'latin1',
  );
}

/** Good on any connection, since nothing of it is indexed. */
export function http2Request(path: string, headers: Headers = {}): Buffer {
  return headerBlock({
    ':method': 'GET',
    ':scheme': 'http',
    ':authority': 'localhost',
    ':path': path,
    accept: 'text/event-stream',
    ...headers,
  });
}

/** A request of a producer that speaks HTTP. */
export function httpPost(path: string, body: string, headers: Headers = {}): Buffer {
  const all = Object.entries({ host: 'localhost', 'content-length': String(body.length), ...headers });
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    'latin1',
  );
}
