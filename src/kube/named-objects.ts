import type { KubeObject } from './kube-object.ts';
import { Reflector, type ReflectorParts } from './reflector.ts';
import type { ResourceType } from './resource-type.ts';

/**
 * Objects of one type and namespace that are wanted by name, each followed by a watch of its own: a Role may then be
 * limited to those names.
 */
export class NamedObjects {
  readonly #type: ResourceType;
  readonly #namespace: string;
  readonly #onChange: () => void;
  readonly #parts: ReflectorParts;
  readonly #reflectors = new Map<string, Reflector>();

  /** @param onChange may be called during `want`, and often: whoever is told looks for itself */
  constructor(type: ResourceType, namespace: string, onChange: () => void, parts: ReflectorParts) {
    this.#type = type;
    this.#namespace = namespace;
    this.#onChange = onChange;
    this.#parts = parts;
  }

  /** From now on exactly these are followed. */
  want(names: ReadonlySet<string>): void {
    for (const [name, reflector] of this.#reflectors) {
      if (names.has(name)) continue;
      this.#reflectors.delete(name);
      void reflector.stop();
    }
    for (const name of names) {
      if (this.#reflectors.has(name)) continue;
      const listener = { changed: this.#onChange, deleted: this.#onChange };
      const reflector = new Reflector(
        this.#type,
        { namespace: this.#namespace, name },
        listener,
        this.#parts,
      );
      this.#reflectors.set(name, reflector);
      void reflector.start();
      void reflector.synced.then(this.#onChange);
    }
  }

  /** Whether of each it is known whether it is there. */
  get synced(): boolean {
    return [...this.#reflectors.values()].every(({ isSynced }) => isSynced);
  }

  get(name: string): KubeObject | undefined {
    const [object] = this.#reflectors.get(name)?.objects.values() ?? [];
    return object;
  }

  get all(): readonly KubeObject[] {
    return [...this.#reflectors.values()].flatMap(({ objects }) => [...objects.values()]);
  }

  /** Why some are not known, for people: what the API server says. */
  get failures(): readonly string[] {
    return [...this.#reflectors].flatMap(([name, { state }]) =>
      state.kind === 'failing' ? [`${this.#type.kind} ${name}: ${state.why}`] : [],
    );
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.stop()));
  }
}
