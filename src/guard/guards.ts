import { isDeepStrictEqual } from 'node:util';
import type { Grant } from './grant.ts';
import { Guard, type GuardDocument, type GuardParts, type GuardStatus } from './guard.ts';
import type { JsonObject } from './json-object.ts';
import { readAudiences } from './policy.ts';
import type { PresentedToken } from './presented-token.ts';
import { Revocations } from './revocations.ts';
import { TokenCache } from './token-cache.ts';
import { TokenError } from './token-error.ts';

export type GuardsParts = Omit<GuardParts, 'cache' | 'onChange' | 'revocations'>;

/** All guards of a process, by name. */
export class Guards {
  /** Of all guards; each checks it with every token and every grant. */
  readonly revocations: Revocations;
  readonly #guards = new Map<string, Guard>();
  readonly #listeners = new Set<() => void>();
  readonly #parts: GuardParts;

  constructor(parts: GuardsParts) {
    this.revocations = new Revocations(parts.clock);
    this.#parts = {
      ...parts,
      revocations: this.revocations,
      cache: new TokenCache(parts.observer),
      onChange: () => this.#changed(),
    };
  }

  /**
   * Makes the guards be exactly these, all at once; those that have not changed notice nothing.
   *
   * @returns settles when every new key source has tried once, within 5 s; the guards are in force before
   */
  async apply(documents: ReadonlyMap<string, Omit<GuardDocument, 'name'>>): Promise<void> {
    const removed = this.#remove((guard) => documents.get(guard.name)?.uid !== guard.uid);
    const attempts: Promise<void>[] = [];
    for (const [name, document] of documents) {
      const attempt = this.#put({ ...document, name });
      if (attempt !== undefined) attempts.push(attempt);
    }
    if (removed || attempts.length > 0) this.#changed();
    await Promise.all(attempts);
  }

  stop(): void {
    this.#remove(() => true);
  }

  get(name: string): Guard | undefined {
    return this.#guards.get(name);
  }

  /**
   * The guard among these whose issuer the token claims to be from; of several with one issuer the one whose
   * audience it names. Nothing of the token is believed yet.
   *
   * @throws TokenError `wrong_issuer` or `malformed`
   */
  choose(names: readonly string[], token: PresentedToken): Guard {
    const guards = names.flatMap((name) => this.get(name) ?? []);
    const { iss, aud } = knownClaims(guards, token) ?? token.parsed().claims;
    if (iss !== undefined && typeof iss !== 'string') throw new TokenError('malformed');
    const candidates = guards.filter(({ spec }) => spec.issuer === iss);
    const audiences = readAudiences(aud) ?? [];
    const chosen = candidates.find(({ spec }) => audiences.some((each) => spec.audiences.includes(each)));
    const guard = chosen ?? candidates[0];
    if (guard === undefined) throw new TokenError('wrong_issuer');
    return guard;
  }

  /**
   * Token → Grant by the guard that was chosen for it, from what is remembered if that still stands.
   *
   * @throws TokenError
   */
  async verify(guard: Guard, token: PresentedToken): Promise<Grant> {
    const known = guard.known(token);
    if (known !== undefined) return known;
    const grant = await guard.verifyAnew(token);
    // It may have changed while the signature was verified.
    const code = this.get(guard.name) === guard ? guard.rejudge(grant) : 'wrong_issuer';
    if (code !== undefined) throw new TokenError(code, 'the guard has changed');
    return grant;
  }

  /**
   * Calls back whenever a guard or its keys have changed, so that running streams are judged again.
   *
   * @returns takes the listener away
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  status(): readonly GuardStatus[] {
    return [...this.#guards.values()].map((guard) => guard.status());
  }

  #remove(goes: (guard: Guard) => boolean): boolean {
    const leaving = [...this.#guards.values()].filter(goes);
    for (const guard of leaving) {
      guard.stop();
      this.#guards.delete(guard.name);
    }
    return leaving.length > 0;
  }

  /** @returns `undefined` when nothing changes */
  #put(document: GuardDocument): Promise<void> | undefined {
    const guard = this.#guards.get(document.name);
    if (guard === undefined) {
      const created = new Guard(document, this.#parts);
      this.#guards.set(document.name, created);
      return created.start();
    }
    if (guard.generation === document.generation && isDeepStrictEqual(guard.spec, document.spec))
      return undefined;
    return guard.update(document);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Of a token that one of them has verified before: to read them again from its text is most of what it would cost. */
function knownClaims(guards: readonly Guard[], token: PresentedToken): JsonObject | undefined {
  for (const guard of guards) {
    const claims = guard.knownClaims(token);
    if (claims !== undefined) return claims;
  }
  return undefined;
}
