const LF = 0x0a;
const CR = 0x0d;
/** Pieces of one line held at once; a producer that sends byte by byte must not make a Buffer of each. */
const PARTS_MAX = 256;

/** A whole line without its end, or the mark of one that was too long to be held. */
export type Line =
  | { readonly kind: 'line'; readonly number: number; readonly bytes: Buffer }
  | { readonly kind: 'oversize'; readonly number: number };

/**
 * Bytes in, lines out, by `indexOf(10)`: nothing is decoded before its length is known. A line over `bytesMax` is
 * skipped as it comes, without being held. At most `bytesMax` bytes are kept between calls.
 */
export class LineSplitter {
  readonly #bytesMax: () => number;
  #parts: Buffer[] = [];
  #held = 0;
  #skipping = false;
  #number = 0;

  constructor(bytesMax: () => number) {
    this.#bytesMax = bytesMax;
  }

  *push(bytes: Buffer): Generator<Line> {
    let start = 0;
    for (let end = bytes.indexOf(LF); end !== -1; end = bytes.indexOf(LF, start)) {
      this.#hold(bytes.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    this.#hold(bytes.subarray(start));
  }

  /** The last line, if it did not end with a line feed. */
  *end(): Generator<Line> {
    if (this.#held > 0 || this.#skipping) yield this.#take();
  }

  #hold(part: Buffer): void {
    // One byte more, since a CR before the LF is not of the line.
    if (this.#skipping || this.#held + part.length > this.#bytesMax() + 1) {
      this.#skipping = true;
      this.#parts = [];
      this.#held = 0;
      return;
    }
    if (part.length === 0) return;
    if (this.#parts.push(part) > PARTS_MAX) this.#parts = [Buffer.concat(this.#parts)];
    this.#held += part.length;
  }

  #take(): Line {
    const number = ++this.#number;
    const [only] = this.#parts;
    const whole = only !== undefined && this.#parts.length === 1 ? only : Buffer.concat(this.#parts);
    const skipped = this.#skipping;
    this.#parts = [];
    this.#held = 0;
    this.#skipping = false;
    const bytes = whole.at(-1) === CR ? whole.subarray(0, -1) : whole;
    return skipped || bytes.length > this.#bytesMax()
      ? { kind: 'oversize', number }
      : { kind: 'line', number, bytes };
  }
}
