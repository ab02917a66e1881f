import { isDeepStrictEqual } from 'node:util';
import type { JwtGuardSpec } from '../config/jwt-guard.ts';
import { type CompactToken, hashOfSigned, parseCompactToken } from './compact-token.ts';
import { createKeySource } from './create-key-source.ts';
import type { Grant } from './grant.ts';
import type { JsonObject } from './json-object.ts';
import { findKey, hasKey } from './key-set.ts';
import type { KeySetErrorCode } from './key-set-error.ts';
import type { JwksSpec, KeySource, KeySourceParts, KeyState } from './key-source.ts';
import { judgeLogout, type Logout } from './logout-token.ts';
import { judge, type TrustsKey } from './policy.ts';
import type { PresentedToken } from './presented-token.ts';
import { rejudge } from './rejudge.ts';
import type { Revocations } from './revocations.ts';
import { verifySignature } from './signature.ts';
import type { TokenCache } from './token-cache.ts';
import { TokenError, type TokenErrorCode } from './token-error.ts';
import type { VerificationKey } from './verification-key.ts';

/** A `JwtGuard` as configured. */
export interface GuardDocument {
  readonly name: string;
  /** Another one under the same name is another guard, whose streams are not this one's. */
  readonly uid: string;
  readonly generation: number;
  readonly spec: JwtGuardSpec;
}

export interface GuardParts extends Omit<KeySourceParts, 'guard'> {
  readonly cache: TokenCache;
  readonly revocations: Revocations;
}

/** For `/status`. */
export interface GuardStatus {
  readonly name: string;
  readonly generation: number;
  readonly keys: number;
  /** Since the issuer last gave or confirmed them; only of keys from a URL. */
  readonly keysAgeMs?: number;
  readonly keysError?: KeySetErrorCode;
}

/** Token → Grant, by one `JwtGuard` as it is at the moment. */
export class Guard {
  readonly name: string;
  readonly uid: string;
  readonly #parts: GuardParts;
  #document: GuardDocument;
  #source: KeySource;

  constructor(document: GuardDocument, parts: GuardParts) {
    this.name = document.name;
    this.uid = document.uid;
    this.#parts = parts;
    this.#document = document;
    this.#source = this.#createSource(document.spec.jwks);
  }

  get generation(): number {
    return this.#document.generation;
  }

  get spec(): JwtGuardSpec {
    return this.#document.spec;
  }

  /** Resolves when the first attempt to get keys is over, well or not, within 5 s. */
  start(): Promise<void> {
    return this.#source.start();
  }

  stop(): void {
    this.#source.stop();
  }

  /**
   * Takes effect at once. Keys of another place are not trusted from then on: until the new place has given some,
   * fresh tokens wait for its first attempt, running streams are judged when that is over.
   *
   * @returns settles when the keys' first attempt is over
   */
  update(document: GuardDocument): Promise<void> {
    const before = this.#document.spec.jwks;
    this.#document = document;
    const { jwks } = document.spec;
    if (isDeepStrictEqual(jwks, before)) return Promise.resolve();
    const known = isSamePlace(jwks, before) ? this.#source.state : undefined;
    this.#source.stop();
    this.#source = this.#createSource(jwks, known);
    return this.#source.start();
  }

  /** The grant of a token that has been verified before, if it stands by the guard and its keys as they are now. */
  known(token: PresentedToken): Grant | undefined {
    const key = token.key(this.uid, this.generation);
    return this.#parts.cache.get(key, (grant) => this.rejudge(grant) === undefined);
  }

  /** What a token says that has been verified before, whether or not it still stands. */
  knownClaims(token: PresentedToken): JsonObject | undefined {
    return this.#parts.cache.peek(token.key(this.uid, this.generation))?.claims;
  }

  /** Whatever is known of the token. @throws TokenError */
  async verifyAnew(token: PresentedToken): Promise<Grant> {
    const parsed = token.parsed();
    const key = await this.#keyOf(parsed);
    await verifySignature(parsed, key);
    const grant = this.#grant(parsed, key);
    this.#parts.cache.put(token.key(this.uid, this.generation), grant);
    return grant;
  }

  /**
   * A logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6), by this guard as it is now. Whether it has been
   * taken before is not this one's business.
   *
   * @throws LogoutTokenError, TokenError
   */
  async verifyLogout(token: string): Promise<Logout> {
    const parsed = parseCompactToken(token);
    const logout = judgeLogout(this.spec, parsed, this.#parts.clock.now());
    const key = await this.#keyOf(parsed);
    await verifySignature(parsed, key);
    if (!this.#hasKey(key.thumbprint, parsed.algorithm)) throw new TokenError('unknown_key');
    return logout;
  }

  /** @returns the rule that a running stream's grant breaks by now, or `undefined` when it stands */
  rejudge(grant: Grant): TokenErrorCode | undefined {
    if (grant.guardUid !== this.uid) return 'wrong_issuer';
    // While nothing is known of the keys, no stream is ended for the want of one.
    const trusts: TrustsKey = (...key) => this.#source.state.kind === 'pending' || this.#hasKey(...key);
    const code = rejudge(this.spec, trusts, grant, this.#parts.clock.now());
    return code === undefined && this.#parts.revocations.covers(grant) ? 'revoked' : code;
  }

  status(): GuardStatus {
    const { name, generation } = this;
    const { state } = this.#source;
    if (state.kind === 'pending') return { name, generation, keys: 0 };
    if (state.kind === 'none') return { name, generation, keys: 0, keysError: state.error };
    return {
      name,
      generation,
      keys: state.set.keys.length,
      ...(this.spec.jwks.uri === undefined ? {} : { keysAgeMs: this.#parts.clock.monotonicMs() - state.at }),
      ...(state.error === undefined ? {} : { keysError: state.error }),
    };
  }

  async #keyOf(token: CompactToken): Promise<VerificationKey> {
    if (!this.spec.algorithms.some((algorithm) => algorithm === token.algorithm))
      throw new TokenError('algorithm');
    await this.#source.settled();
    let key = this.#find(token);
    if (key === 'unknown_key' && token.kid !== undefined) {
      const refreshed = this.#source.refresh();
      if (refreshed !== undefined) {
        await refreshed;
        key = this.#find(token);
      }
    }
    if (typeof key === 'string') throw new TokenError(key);
    return key;
  }

  #find(token: CompactToken): VerificationKey | 'unknown_key' | 'algorithm' {
    const { state } = this.#source;
    return state.kind === 'known' ? findKey(state.set, token) : 'unknown_key';
  }

  /** Judged by what the guard is after the signature has been checked, which took a moment. */
  #grant(token: CompactToken, key: VerificationKey): Grant {
    const { claims, algorithm } = token;
    const evidence = { claims, algorithm, keyThumbprint: key.thumbprint };
    const validity = judge(this.spec, (...name) => this.#hasKey(...name), evidence, this.#parts.clock.now());
    if (typeof validity === 'string') throw new TokenError(validity);
    const grant = {
      guard: this.name,
      guardUid: this.uid,
      generation: this.generation,
      ...validity,
      ...evidence,
      tokenHash: hashOfSigned(token),
    };
    if (this.#parts.revocations.covers(grant)) throw new TokenError('revoked');
    return grant;
  }

  #hasKey(thumbprint: string, algorithm: string): boolean {
    const { state } = this.#source;
    return state.kind === 'known' && hasKey(state.set, thumbprint, algorithm);
  }

  #createSource(jwks: JwksSpec, known?: KeyState): KeySource {
    return createKeySource(jwks, { ...this.#parts, guard: this.name }, known);
  }
}

/** Whether the keys known so far are the last good ones of the new place too: URL and CA, reference, or the document. */
function isSamePlace(a: JwksSpec, b: JwksSpec): boolean {
  return isDeepStrictEqual(placeOf(a), placeOf(b));
}

function placeOf({ uri, caConfigMapKeyRef, configMapKeyRef }: JwksSpec): unknown {
  return { uri, caConfigMapKeyRef, configMapKeyRef };
}
