import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Clock } from '../core/clock.ts';
import { CodedError } from '../core/coded-error.ts';

/** How the server is trusted. */
export interface Trust {
  /** PEM; in place of the system's roots. */
  readonly ca?: string;
  /** Accepts any certificate. */
  readonly insecure: boolean;
}

export interface Exchange extends Trust {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From the first packet to the last header. */
  readonly timeoutMs: number;
}

export class NoAnswerError extends CodedError<'no_answer'> {}

/**
 * One request on a connection of its own, HTTP/1.1. Node's `fetch` cannot be told a CA.
 * Redirects are not followed: a token is for the server it was meant for.
 *
 * @returns the response with its headers; its body has not been read
 * @throws {NoAnswerError} after `timeoutMs`, and whatever node:net, node:tls or `signal` has to say
 */
export function request(exchange: Exchange, clock: Clock, signal: AbortSignal): Promise<IncomingMessage> {
  const { url, method, headers, body, ca, insecure, timeoutMs } = exchange;
  const common = { method, headers, signal, agent: false } as const;
  return new Promise((resolve, reject) => {
    const outgoing =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...common, ...(ca === undefined ? {} : { ca }), rejectUnauthorized: !insecure })
        : httpRequest(url, common);
    const timer = clock.after(timeoutMs, () =>
      outgoing.destroy(new NoAnswerError('no_answer', `no answer within ${timeoutMs / 1000} s`)),
    );
    outgoing.once('response', (response) => {
      timer.cancel();
      resolve(response);
    });
    // Stays for good: after the response an error comes here as well as to its reader.
    outgoing.on('error', (error) => {
      timer.cancel();
      reject(error);
    });
    outgoing.end(body);
  });
}
