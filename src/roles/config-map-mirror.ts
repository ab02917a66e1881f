import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isReferencePart } from '../config/reference.ts';
import type { KubeObject } from '../kube/kube-object.ts';

/**
 * ConfigMaps that are watched, as files `DIRECTORY/NAME/KEY`: whoever reads a reference needs no second way for the
 * cluster. Each file is whole at any time. Calls take effect in their order.
 */
export class ConfigMapMirror {
  readonly #directory: string;
  readonly #written = new Map<string, string>();
  #last: Promise<void> = Promise.resolve();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** From now on exactly these are there. Rejects when the directory can't be written. */
  show(configMaps: readonly KubeObject[]): Promise<void> {
    const wanted = new Map(configMaps.flatMap(filesOf));
    this.#last = this.#last.then(
      () => this.#write(wanted),
      () => this.#write(wanted),
    );
    return this.#last;
  }

  async #write(wanted: ReadonlyMap<string, string>): Promise<void> {
    for (const file of this.#written.keys()) {
      if (wanted.has(file)) continue;
      await rm(join(this.#directory, file), { force: true });
      this.#written.delete(file);
    }
    for (const [file, text] of wanted) {
      if (this.#written.get(file) === text) continue;
      const path = join(this.#directory, file);
      await mkdir(join(path, '..'), { recursive: true });
      await writeFile(`${path}.tmp`, text);
      await rename(`${path}.tmp`, path);
      this.#written.set(file, text);
    }
  }
}

function filesOf({ metadata, data }: KubeObject): readonly (readonly [string, string])[] {
  if (typeof data !== 'object' || data === null || !isReferencePart(metadata.name)) return [];
  return Object.entries(data).flatMap(([key, text]: [string, unknown]) =>
    typeof text === 'string' && isReferencePart(key) ? [[join(metadata.name, key), text] as const] : [],
  );
}
