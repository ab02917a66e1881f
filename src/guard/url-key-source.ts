import type { Timer } from '../core/clock.ts';
import { jitter } from '../core/random.ts';
import { fetchJwks, type Validators } from './fetch-jwks.ts';
import type { JwksPlaces } from './jwks-places.ts';
import { KeySetError } from './key-set-error.ts';
import type { JwksSpec, KeySource, KeySourceParts, KeyState } from './key-source.ts';
import { LastGoodKeys } from './last-good-keys.ts';
import type { FetchResult } from './observer.ts';
import { readReference } from './reference-file.ts';

const ANYWHERE: JwksPlaces = { inCluster: false };
/** Tokens with made-up `kid`s cost the issuer one request in this time, however many they are. */
const UNKNOWN_KID_COOLDOWN_MS = 30_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
const RETRY_JITTER = 0.2;
const REFRESH_JITTER = 0.1;

/** Keys that an issuer publishes: fetched at start, every `refreshInterval`, and when a token names an unknown one. */
export class UrlKeySource implements KeySource {
  readonly #url: URL;
  readonly #jwks: JwksSpec;
  readonly #parts: KeySourceParts;
  readonly #keys: LastGoodKeys;
  readonly #abort = new AbortController();
  #flight: Promise<void> | undefined;
  #timer: Timer | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #validators: Validators = {};

  constructor(uri: string, jwks: JwksSpec, parts: KeySourceParts, known?: KeyState) {
    this.#url = new URL(uri);
    this.#jwks = jwks;
    this.#parts = parts;
    this.#keys = new LastGoodKeys(parts, known);
  }

  get state(): KeyState {
    return this.#keys.state;
  }

  start(): Promise<void> {
    return this.#fetch();
  }

  stop(): void {
    this.#abort.abort();
    this.#timer?.cancel();
  }

  settled(): Promise<void> {
    return this.state.kind === 'pending' ? (this.#flight ?? Promise.resolve()) : Promise.resolve();
  }

  refresh(): Promise<void> | undefined {
    const now = this.#parts.clock.monotonicMs();
    if (this.#abort.signal.aborted || now - this.#askedAt < UNKNOWN_KID_COOLDOWN_MS) return undefined;
    this.#askedAt = now;
    return this.#fetch();
  }

  /** Single flight: whoever asks while a fetch is under way waits for that one. */
  #fetch(): Promise<void> {
    this.#flight ??= this.#attempt().finally(() => {
      this.#flight = undefined;
      this.#schedule();
    });
    return this.#flight;
  }

  async #attempt(): Promise<void> {
    const ended = this.#parts.tracer?.fetching(this.#parts.guard);
    let result: FetchResult;
    try {
      result = await this.#load();
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      if (!(error instanceof KeySetError)) throw error;
      this.#keys.fail(error);
      result = error.code;
    }
    if (this.#abort.signal.aborted) return;
    this.#failures = result === 'ok' || result === 'not_modified' ? 0 : this.#failures + 1;
    ended?.(result);
    this.#parts.observer.fetched(this.#parts.guard, result);
  }

  async #load(): Promise<FetchResult> {
    const { signal } = this.#abort;
    const request = {
      url: this.#url,
      ca: await this.#ca(),
      validators: this.#validators,
      places: this.#parts.jwksPlaces ?? ANYWHERE,
    };
    const response = await fetchJwks(request, this.#parts.clock, signal);
    signal.throwIfAborted();
    if (response.kind === 'not_modified') {
      this.#keys.confirm();
      return response.kind;
    }
    const error = this.#keys.replace(response.text);
    // Only of a good set: a bad one must not be confirmed by 304 for ever.
    if (error === undefined) this.#validators = response.validators;
    return error ?? 'ok';
  }

  async #ca(): Promise<string | undefined> {
    const reference = this.#jwks.caConfigMapKeyRef;
    if (reference === undefined) return undefined;
    try {
      return await readReference(this.#parts.secretsDir, reference);
    } catch (cause) {
      throw new KeySetError('ca_unreadable', 'the CA for the key set cannot be read', { cause });
    }
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (this.#abort.signal.aborted) return;
    this.#timer = this.#parts.clock.after(this.#delayMs(), () => void this.#fetch());
  }

  #delayMs(): number {
    const { refreshInterval } = this.#jwks;
    const { random } = this.#parts;
    if (this.#failures === 0) return jitter(refreshInterval, REFRESH_JITTER, random);
    const backoffMs = Math.min(RETRY_MS_MIN * 2 ** (this.#failures - 1), RETRY_MS_MAX);
    return Math.min(jitter(backoffMs, RETRY_JITTER, random), refreshInterval);
  }
}
