import type { Adapter, AdapterPayload } from 'oidc-provider';

interface Stored {
  readonly payload: AdapterPayload;
  readonly expiresAt: number;
}

/** Sessions, grants and refresh tokens, which outlive a change of keys and are gone when the example ends. */
export type Store = Map<string, Stored>;

/** What oidc-provider keeps by itself is lost with each `Provider`, and a change of keys makes another one. */
export class MemoryAdapter implements Adapter {
  readonly #model: string;
  readonly #store: Store;

  constructor(model: string, store: Store) {
    this.#model = model;
    this.#store = store;
  }

  async upsert(
    id: string,
    payload: AdapterPayload,
    expiresInSeconds = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const now = Date.now();
    for (const [key, { expiresAt }] of this.#store) if (expiresAt <= now) this.#store.delete(key);
    this.#store.set(this.#key(id), { payload, expiresAt: now + expiresInSeconds * 1000 });
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    const stored = this.#store.get(this.#key(id));
    return stored !== undefined && stored.expiresAt > Date.now() ? stored.payload : undefined;
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#findBy('uid', uid);
  }

  findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    return this.#findBy('userCode', userCode);
  }

  async consume(id: string): Promise<void> {
    const payload = await this.find(id);
    if (payload !== undefined) payload['consumed'] = Math.floor(Date.now() / 1000);
  }

  async destroy(id: string): Promise<void> {
    this.#store.delete(this.#key(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, { payload }] of this.#store) if (payload.grantId === grantId) this.#store.delete(key);
  }

  async #findBy(member: 'uid' | 'userCode', value: string): Promise<AdapterPayload | undefined> {
    for (const [key, { payload }] of this.#store) {
      if (key.startsWith(`${this.#model}:`) && payload[member] === value)
        return this.find(key.slice(this.#model.length + 1));
    }
    return undefined;
  }

  #key(id: string): string {
    return `${this.#model}:${id}`;
  }
}
