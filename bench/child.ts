/** A process of a bench: told things and asked things over its IPC channel, one question at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { BOUND_TO_RUN } from '../test/support/bound-to-run.ts';
import { onPath } from '../test/support/on-path.ts';

/** What takes longer has hung: an event was lost, or a process is stuck. */
const ANSWER_MS_MAX = 180_000;
/** The server has one core to itself, everything else the other. */
export const SERVER_CORE = 0;
export const CLIENT_CORE = 1;
/** A process ends by itself when its channel is closed, so that it can still write a profile. */
const ENDING_MS_MAX = 5_000;

export class Child<To, From> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #name: string;

  /** @param core the only one it may use, where there are several */
  constructor(file: string, args: readonly string[], core?: number) {
    this.#name = file;
    this.#process = fork(file, args, core === undefined ? {} : pinned(core));
  }

  tell(message: To): void {
    this.#process.send(message as object);
  }

  ask(message: To): Promise<From> {
    const answer = this.hears();
    this.tell(message);
    return answer;
  }

  /** The next thing it says. @throws when it ends, or says nothing for too long */
  async hears(): Promise<From> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const timer = setTimeout(() => waiting.abort(new Error('it says nothing')), ANSWER_MS_MAX);
    const ended = once(this.#process, 'exit', { signal }).then(([code, signal]) => {
      throw new Error(`it has ended with ${signal ?? code}`);
    });
    try {
      const [message] = await Promise.race([once(this.#process, 'message', { signal }), ended]);
      return message;
    } catch (cause) {
      throw new Error(`${this.#name} gave no answer`, { cause });
    } finally {
      clearTimeout(timer);
      ended.catch(() => {});
      waiting.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    const timer = setTimeout(() => child.kill('SIGKILL'), ENDING_MS_MAX);
    if (child.connected) child.disconnect();
    await exited;
    clearTimeout(timer);
  }
}

/**
 * What stands before a command to keep it on one core, where there are several, and to end it with this process, which
 * may itself be killed.
 */
export function pinning(core: number): readonly string[] {
  const pinned = availableParallelism() > core && onPath('taskset') ? ['taskset', '-c', String(core)] : [];
  return [...BOUND_TO_RUN, ...pinned];
}

function pinned(core: number) {
  const [execPath, ...before] = pinning(core);
  return execPath === undefined ? {} : { execPath, execArgv: [...before, process.execPath] };
}
