/**
 * The base of every error that a user or a peer can cause: a stable `code` to act on and a message for people.
 * A programmer's error is a `TypeError` or a failed assertion instead.
 * Neither code nor message ever holds a token, a value taken from a token, or an event's payload.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  /** Whether the same call may succeed later without any change by the caller. */
  readonly retryable: boolean;

  constructor(code: Code, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** A dependency (port, Redis, API server) could not be reached: exit code 3. */
export class UnreachableError extends CodedError<'unreachable'> {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('unreachable', message, { ...options, retryable: true });
  }
}

/** Bad input or configuration: exit code 1. */
export class InputError extends CodedError<'input'> {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('input', message, options);
  }
}

/** The command line is wrong: exit code 2. */
export class UsageError extends CodedError<'usage'> {
  constructor(message: string) {
    super('usage', message);
  }
}
