import { FILE_BYTES_MAX } from '../core/file-bytes.ts';
import type { Fault } from './fault.ts';

export type DecodedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: Fault };

/** The text of a configuration file: UTF-8, at most 1 MiB. */
export function decodeText(bytes: Uint8Array, file: string): DecodedText {
  if (bytes.length > FILE_BYTES_MAX) {
    return { ok: false, fault: { file, path: '', rule: `must be at most ${FILE_BYTES_MAX} bytes long` } };
  }
  try {
    return { ok: true, text: decode(bytes) };
  } catch {
    return { ok: false, fault: { file, line: firstBadLine(bytes), path: '', rule: 'must be UTF-8' } };
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** A line feed is never part of a longer UTF-8 sequence, so each line can be judged by itself. */
function firstBadLine(bytes: Uint8Array): number {
  let start = 0;
  for (let line = 1; ; line++) {
    const end = bytes.indexOf(10, start);
    try {
      decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end < 0) return line;
    start = end + 1;
  }
}
