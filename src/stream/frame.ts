/**
 * A block in the bytes of both wire formats at once: an HTTP/1.1 chunk (RFC 9112, 7.1), and within it the payload
 * that HTTP/2 and HTTP/1.0 send. One Buffer, shared by every connection that gets it.
 */
export interface Frame {
  readonly chunk: Buffer;
  readonly payloadStart: number;
}

/** `chunked`: HTTP/1.1. `raw`: HTTP/2, whose frames are its own, and HTTP/1.0, whose body ends with the connection. */
export type WireFormat = 'chunked' | 'raw';

const CRLF_BYTES = 2;
/** The last chunk (RFC 9112, 7.1) without trailers. */
export const LAST_CHUNK = Buffer.from('0\r\n\r\n', 'latin1');

export function frame(text: string): Frame {
  const length = Buffer.byteLength(text);
  const size = `${length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(size.length + length + CRLF_BYTES);
  // As many bytes as characters: all of it is ASCII, which needs no encoding.
  chunk.write(`${size}${text}\r\n`, length === text.length ? 'latin1' : 'utf8');
  return { chunk, payloadStart: size.length };
}

export function bytesOf(frame: Frame, format: WireFormat): Buffer {
  return format === 'chunked' ? frame.chunk : frame.chunk.subarray(frame.payloadStart, -CRLF_BYTES);
}

/** Several frames as one Buffer; a single one is not copied. */
export function joined(frames: readonly Frame[], format: WireFormat): Buffer {
  const [only] = frames;
  if (only !== undefined && frames.length === 1) return bytesOf(only, format);
  return Buffer.concat(frames.map((frame) => bytesOf(frame, format)));
}
