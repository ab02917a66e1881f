#!/usr/bin/env node
import { CodedError, InputError, UnreachableError, UsageError } from './core/coded-error.ts';
import type { Command, Terminal } from './core/terminal.ts';
import { version } from './roles/version.ts';

/** Each role is loaded when it is called for: a gateway has no use for what an operator needs. */
const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  dev: {
    summary: 'everything in one process on an in-memory bus, from one YAML file',
    load: async () => (await import('./roles/dev.ts')).devCommand,
  },
  gateway: {
    summary: 'a stream server: public HTTP, events from Redis, guards',
    load: async () => (await import('./roles/gateway.ts')).gatewayCommand,
  },
  ingest: {
    summary: 'an ingest server: events by TCP and HTTP, into Redis',
    load: async () => (await import('./roles/ingest.ts')).ingestCommand,
  },
  operator: {
    summary: 'runs what EventGateways ask for in a Kubernetes cluster',
    load: async () => (await import('./roles/operator.ts')).operatorCommand,
  },
  token: {
    summary: 'mints a development token with the keys made by `dev`',
    load: async () => (await import('./roles/token.ts')).tokenCommand,
  },
  listen: {
    summary: "prints a stream's events and answers its challenges",
    load: async () => (await import('./roles/listen.ts')).listenCommand,
  },
  revoke: {
    summary: 'revokes tokens at a gateway: their streams end, they come in no more',
    load: async () => (await import('./roles/revoke.ts')).revokeCommand,
  },
  check: {
    summary: 'validates configuration files and prints every fault',
    load: async () => (await import('./roles/check.ts')).checkCommand,
  },
};

const EXIT_INTERNAL = 70;

const code = await main(process.argv.slice(2));
// That something could not be written is told in the next turn.
await new Promise((resolve) => setImmediate(resolve));
// A command that is over, or failed half-way, may have left something under way, which would keep the process:
// a last attempt to deliver traces, say.
if (code !== 0) process.exitCode = code;
process.exit();

async function main([name = '--help', ...args]: readonly string[]): Promise<number> {
  const terminal = createTerminal();
  try {
    if (name === '--version') return print(terminal, `tidegate ${version}\n`);
    if (name === '--help' || name === '-h' || name === 'help') return print(terminal, usage());
    const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (entry === undefined) throw new UsageError(`there is no command "${name}"\n\n${usage()}`);
    const command = await entry.load();
    if (args.includes('--help') || args.includes('-h')) return print(terminal, command.usage);
    return await command.run(args, terminal);
  } catch (error) {
    terminal.err(`${sentence(error)}\n`);
    return exitCode(error);
  } finally {
    await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  }
}

/** Resolves when all that was written is out, or never will be. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}

function print(terminal: Terminal, text: string): number {
  terminal.out(text);
  return 0;
}

function usage(): string {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}\n`);
  return `Usage: tidegate COMMAND [ARGUMENTS]

${rows.join('')}
tidegate COMMAND --help says more. tidegate --version
`;
}

/** A fault that a user can mend is told in its own words; anything else is ours, with its stack. */
function sentence(error: unknown): string {
  if (error instanceof UsageError) return `tidegate: ${error.message}`;
  if (error instanceof CodedError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function exitCode(error: unknown): number {
  if (error instanceof UsageError) return 2;
  if (error instanceof UnreachableError) return 3;
  if (error instanceof InputError || error instanceof CodedError) return 1;
  return EXIT_INTERNAL;
}

/** The process as commands see it. A second signal ends it at once, as does one that nobody handles in time. */
function createTerminal(): Terminal {
  const ending = new AbortController();
  const readerGone = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (ending.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
      ending.abort();
    });
  }
  process.stdout.on('error', (error: Error & { code?: string }) => {
    if (error.code !== 'EPIPE') process.exitCode = 1;
    readerGone.abort();
  });
  // Nobody reads what is said about it, so there is nothing to do and no reason to end.
  process.stderr.on('error', () => {});
  return {
    env: process.env,
    isTerminal: process.stderr.isTTY === true,
    signal: ending.signal,
    readerGone: readerGone.signal,
    out: (text) => readerGone.signal.aborted || process.stdout.write(text),
    drained: () => drained(readerGone.signal),
    err: (text) => void process.stderr.write(text),
  };
}

function drained(readerGone: AbortSignal): Promise<void> {
  if (!process.stdout.writableNeedDrain || readerGone.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    process.stdout.once('drain', resolve);
    readerGone.addEventListener('abort', () => resolve(), { once: true });
  });
}
