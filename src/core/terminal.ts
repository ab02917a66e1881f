/**
 * The process as a command sees it. `cli.ts` makes the real one; it alone reads `process.env`, `process.argv` and signals.
 * Nothing written to either output ever holds a token.
 */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether a person reads standard error; decides between readable lines and JSON. */
  readonly isTerminal: boolean;
  /** Aborted by the first SIGINT or SIGTERM; the command then ends by itself with exit code 0. */
  readonly signal: AbortSignal;
  /** Aborted when nobody reads standard output any more (`| head -1`); what is written to it afterwards is dropped. */
  readonly readerGone: AbortSignal;
  /**
   * Writes to standard output, in order.
   * @returns `false` when the reader is slow: whoever has much to write waits for `drained` before writing more
   */
  out(text: string): boolean;
  /** Resolves when standard output takes more, at once if it does already, and when its reader has gone. Never rejects. */
  drained(): Promise<void>;
  /** Writes to standard error. */
  err(text: string): void;
}

/** What the first argument of the program names. */
export interface Command {
  /** One line for the program's own `--help`. */
  readonly summary: string;
  /** The whole text of `tidegate <command> --help`. */
  readonly usage: string;
  /**
   * @param args what follows the command's name, without `--help`
   * @returns the exit code
   * @throws {UsageError} on a bad flag or argument
   * @throws {CodedError} for any other fault that a user can mend; `cli.ts` prints it and maps it to an exit code
   */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}
