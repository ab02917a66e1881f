import { CodedError } from '../core/coded-error.ts';

/** The log can't be reached, or did not take the event in time. Always worth repeating. */
export class BusError extends CodedError<'unavailable'> {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('unavailable', message, { ...options, retryable: true });
  }
}
