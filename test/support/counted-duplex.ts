import { Duplex } from 'node:stream';

/** One end of a connection in memory, which counts the writes that it is given: each would be one of a socket. */
export class CountedDuplex extends Duplex {
  writes = 0;
  peer: CountedDuplex | undefined;
  #stalled = false;
  #held: (() => void)[] = [];

  /** What is written from now on waits, as when the kernel's buffer is full. */
  stall(): void {
    this.#stalled = true;
  }

  release(): void {
    this.#stalled = false;
    for (const go of this.#held.splice(0)) go();
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.writes++;
    const bytes = Buffer.concat(chunks.map(({ chunk }) => chunk));
    const go = () => {
      this.peer?.push(bytes);
      done();
    };
    if (this.#stalled) this.#held.push(go);
    else setImmediate(go);
  }

  override _final(done: () => void): void {
    this.peer?.push(null);
    done();
  }

  override _read(): void {}
}

export function countedPair(): readonly [CountedDuplex, CountedDuplex] {
  const [one, other] = [new CountedDuplex(), new CountedDuplex()];
  one.peer = other;
  other.peer = one;
  return [one, other];
}
