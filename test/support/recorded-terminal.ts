import type { Terminal } from '../../src/core/terminal.ts';

/** A terminal that keeps what is written to it. */
export interface RecordedTerminal extends Terminal {
  readonly written: { out: string; err: string };
}

export function recordTerminal(signal = new AbortController().signal): RecordedTerminal {
  const written = { out: '', err: '' };
  return {
    written,
    env: {},
    isTerminal: false,
    signal,
    readerGone: new AbortController().signal,
    out(text) {
      written.out += text;
      return true;
    },
    drained: () => Promise.resolve(),
    err(text) {
      written.err += text;
    },
  };
}
