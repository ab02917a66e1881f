/** The bytes that the load client sends: requests of HTTP/1.1, header blocks of HTTP/2, and what is published. */

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

/** All literal, never indexed and without Huffman coding (RFC 7541, 6.2.2), so that it is good on any connection. */
export function http2Request(path: string, headers: Headers = {}): Buffer {
  const all = Object.entries({
    ':method': 'GET',
    ':scheme': 'http',
    ':authority': 'localhost',
    ':path': path,
    accept: 'text/event-stream',
    ...headers,
  });
  return Buffer.concat(all.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]));
}

/** A request of a producer that speaks HTTP. */
export function httpPost(path: string, body: string, headers: Headers = {}): Buffer {
  const all = Object.entries({ host: 'localhost', 'content-length': String(body.length), ...headers });
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
    'latin1',
  );
}

const PREFIX_MAX = 127;

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length < PREFIX_MAX) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [PREFIX_MAX];
  for (let rest = bytes.length - PREFIX_MAX; ; rest >>= 7) {
    length.push(rest < 128 ? rest : (rest & 127) | 128);
    if (rest < 128) break;
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}
