import type { ServerResponse } from 'node:http';

/** The answer to the latest request of each connection; of a stream's none, it would be kept as long as the stream. */
const latest = new WeakMap<object, ServerResponse>();

export function answerBegins(socket: object, response: ServerResponse): void {
  latest.set(socket, response);
}

/** The connection belongs to HTTP no longer. */
export function forgetAnswer(socket: object): void {
  latest.delete(socket);
}

/** Whether a part of it is out, and not yet all. */
export function isAnswering(socket: object): boolean {
  const response = latest.get(socket);
  return response?.headersSent === true && !response.writableFinished;
}
