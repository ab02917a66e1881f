import { systemClock } from '../core/clock.ts';
import type { Command, Terminal } from '../core/terminal.ts';
import { listen } from '../listen/listen.ts';
import type { ListenIo } from '../listen/options.ts';
import { LISTEN_USAGE } from '../listen/usage.ts';
import { parseListenOptions } from './listen-options.ts';

export const listenCommand: Command = {
  summary: "prints a stream's events and answers its challenges",
  usage: LISTEN_USAGE,
  async run(args, terminal) {
    const options = parseListenOptions(args);
    // Between two connections only a timer is left, and `Clock` promises that timers keep no process alive.
    const { port1: hold } = new MessageChannel();
    hold.ref();
    try {
      return await listen(options, listenIo(terminal));
    } finally {
      hold.close();
    }
  },
};

function listenIo(terminal: Terminal): ListenIo {
  const signal = AbortSignal.any([terminal.signal, terminal.readerGone]);
  return {
    out: async (text) => {
      if (!terminal.out(text)) await unlessAborted(terminal.drained(), signal);
    },
    err: (line) => terminal.err(`${line}\n`),
    clock: systemClock,
    random: Math.random,
    signal,
  };
}

/** Not `Promise.race` with one promise for the signal: that would keep every loser until the end. */
function unlessAborted(done: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      signal.removeEventListener('abort', settle);
      resolve();
    };
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', settle);
    void done.then(settle);
  });
}
