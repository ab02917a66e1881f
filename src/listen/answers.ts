import { answerChallenge } from './answer.ts';
import type { ListenIo, ListenOptions } from './options.ts';

/** The answers of one stream, given while it goes on: one at a time, a new challenge replaces an unanswered one. */
export class Answers {
  readonly #options: ListenOptions;
  readonly #io: ListenIo;
  #ending = new AbortController();
  #answer: Promise<void> = Promise.resolve();

  constructor(options: ListenOptions, io: ListenIo) {
    this.#options = options;
    this.#io = io;
  }

  /** @param data of the challenge */
  begin(data: string): void {
    this.#ending.abort();
    const ending = new AbortController();
    this.#ending = ending;
    const previous = this.#answer;
    this.#answer = previous.then(() => this.#run(data, ending.signal));
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#answer;
  }

  async #run(data: string, signal: AbortSignal): Promise<void> {
    try {
      await answerChallenge(data, this.#options, this.#io, signal);
    } catch (error) {
      if (signal.aborted) return;
      // An unforeseen fault of an answer ends no stream, but it is told.
      this.#io.err(`challenge not answered: ${error instanceof Error ? error.name : 'unknown error'}`);
    }
  }
}
