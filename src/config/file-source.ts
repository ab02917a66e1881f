import { watch as watchFs } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Clock, sleep, type Timer } from '../core/clock.ts';
import { InputError } from '../core/coded-error.ts';
import { isMissing, readErrorText, readFileBytes } from '../core/file-bytes.ts';
import type { Service } from '../core/service.ts';
import { type Configuration, parseConfiguration } from './configuration.ts';
import { type Fault, faultText } from './fault.ts';
import { decodeText } from './file-text.ts';
import { highestGeneration, withGenerations } from './generations.ts';

/** Some file systems report no changes (network, container mounts), so the file is also looked at this often. */
export const POLL_MS = 470;
/** A burst of reports is one look, and what is read counts only when it reads the same again after this long. */
export const SETTLE_MS = 50;

export interface FileSourceOptions {
  readonly file: string;
  readonly clock: Clock;
  /** Called after `start`, in order, each time the configuration has become another one. Must not throw. */
  readonly onConfiguration: (configuration: Configuration) => void;
  readonly observer: FileSourceObserver;
  readonly read?: (file: string) => Promise<Uint8Array>;
  readonly watch?: Watch;
}

/** Told once for each content that the file comes to have; the last good configuration stays in force meanwhile. */
export interface FileSourceObserver {
  /** The file is good, whether its configuration has changed (it is in force now) or not. */
  reloaded(): void;
  refused(faults: readonly Fault[]): void;
  missing(): void;
}

/** Calls `changed` when something in the directory may have changed; may miss changes. */
export type Watch = (directory: string, changed: (name: string | null) => void) => { close(): void };

type Reading =
  | { readonly kind: 'content'; readonly bytes: Uint8Array }
  | { readonly kind: 'unreadable'; readonly rule: string }
  | { readonly kind: 'missing' };

/**
 * The configuration of a file, followed through whatever happens to it: written in pieces, replaced by rename or by
 * the swap of a directory's link (Kubernetes' `..data`), deleted, made unreadable. Found within a second.
 */
export class FileSource implements Service {
  readonly #options: FileSourceOptions;
  readonly #stopped = new AbortController();
  #configuration: Configuration | undefined;
  #highestGeneration = 1;
  #judged: Reading = { kind: 'missing' };
  #timer: Timer | undefined;
  #watcher: { close(): void } | undefined;
  #looking: Promise<void> | undefined;
  #lookAgain = false;

  constructor(options: FileSourceOptions) {
    this.#options = options;
  }

  /** The configuration in force: the last good one. Only after `start`. */
  get configuration(): Configuration {
    if (this.#configuration === undefined) throw new TypeError('the file source has not been started');
    return this.#configuration;
  }

  /** @throws InputError with every fault on a line of its own, when there is nothing good to begin with */
  async start(): Promise<void> {
    const { file, clock, watch = watchDirectory } = this.#options;
    this.#judged = await this.#read();
    const parsed = parse(this.#judged, file);
    if (!parsed.ok) throw new InputError(parsed.faults.map(faultText).join('\n'));
    this.#configuration = parsed.configuration;
    this.#watcher = watch(dirname(file), (name) => {
      if (name === null || name === basename(file) || name === KUBERNETES_LINK) this.#look();
    });
    this.#timer = clock.every(POLL_MS, () => this.#look());
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#timer?.cancel();
    this.#watcher?.close();
    await this.#looking;
  }

  /** One look at a time; a report that comes meanwhile leads to exactly one more. */
  #look(): void {
    this.#lookAgain = true;
    this.#looking ??= this.#lookWhileAsked().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookWhileAsked(): Promise<void> {
    while (this.#lookAgain && (await this.#settle())) {
      this.#lookAgain = false;
      const reading = await this.#read();
      if (isDeepStrictEqual(reading, this.#judged)) continue;
      if (!(await this.#settle())) return;
      const again = await this.#read();
      if (this.#stopped.signal.aborted) return;
      if (isDeepStrictEqual(reading, again)) this.#judge(reading);
      else this.#lookAgain = true;
    }
  }

  /** @returns false when the source has been stopped */
  async #settle(): Promise<boolean> {
    const { signal } = this.#stopped;
    await sleep(this.#options.clock, SETTLE_MS, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    return !signal.aborted;
  }

  async #read(): Promise<Reading> {
    const { file, read = readFileBytes } = this.#options;
    try {
      return { kind: 'content', bytes: await read(file) };
    } catch (error) {
      return isMissing(error) ? { kind: 'missing' } : { kind: 'unreadable', rule: readErrorText(error) };
    }
  }

  #judge(reading: Reading): void {
    const { file, onConfiguration, observer } = this.#options;
    this.#judged = reading;
    if (reading.kind === 'missing') return observer.missing();
    const parsed = parse(reading, file);
    if (!parsed.ok) return observer.refused(parsed.faults);
    const next = withGenerations(parsed.configuration, this.#configuration, this.#highestGeneration);
    if (!isDeepStrictEqual(next, this.#configuration)) {
      this.#configuration = next;
      this.#highestGeneration = Math.max(this.#highestGeneration, highestGeneration(next));
      onConfiguration(next);
    }
    observer.reloaded();
  }
}

/** A mounted ConfigMap changes by the swap of this link beside the file. */
const KUBERNETES_LINK = '..data';

function parse(reading: Reading, file: string) {
  if (reading.kind !== 'content') {
    const rule = reading.kind === 'missing' ? 'cannot be read: no such file' : reading.rule;
    return { ok: false, faults: [{ file, path: '', rule }] } as const;
  }
  const decoded = decodeText(reading.bytes, file);
  return decoded.ok
    ? parseConfiguration(decoded.text, file)
    : ({ ok: false, faults: [decoded.fault] } as const);
}

/** Where watching is impossible or ends (no inotify instance left, directory gone), looking at intervals goes on. */
function watchDirectory(directory: string, changed: (name: string | null) => void): { close(): void } {
  try {
    const watcher = watchFs(directory, { persistent: false }, (_event, name) => changed(name));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return { close() {} };
  }
}
