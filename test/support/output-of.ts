import type { Readable } from 'node:stream';

/** What a child process has written so far, as text. */
export interface Output {
  readonly out: string;
  readonly err: string;
}

/** @returns grows as the process writes */
export function outputOf(child: { readonly stdout: Readable; readonly stderr: Readable }): Output {
  const output = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.err += text;
  });
  return output;
}
