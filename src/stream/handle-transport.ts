import { Socket } from 'node:net';
import { InTurns } from '../core/in-turns.ts';
import { LAST_CHUNK, type WireFormat } from './frame.ts';
import type { Protocol, Transport } from './transport.ts';

/** Some 20 µs each: after so many the event loop gets its turn for everything else. */
const FINS_A_TURN = 64;

/** What `net.Socket` writes through; Node's own, so found out at start and never assumed (docs/decisions/0007). */
interface Handle {
  /** @returns 0 or an error's number when that was all; the request under way when the kernel took less */
  writeBuffer(request: null, bytes: Buffer): number | WriteUnderWay;
}

/** Lives until `oncomplete`, and the bytes with it. */
interface WriteUnderWay {
  buffer?: Buffer;
  owner?: HandleTransport;
  oncomplete?: (this: WriteUnderWay, status: number) => void;
}

/**
 * Whether this Node writes to a handle as we would: shown what `net.Socket` itself does with one. Tried on a real
 * handle, an unexpected argument could end the process.
 */
export const HANDLES_ARE_KNOWN: boolean = areHandlesKnown();

function areHandlesKnown(): boolean {
  const probe = new Socket();
  let asWeDo = false;
  const handle = {
    writeBuffer(...[request, bytes]: unknown[]): number {
      asWeDo = request === null && Buffer.isBuffer(bytes);
      return 0;
    },
    close: () => undefined,
  };
  try {
    Object.assign(probe, { _handle: handle, connecting: false });
    probe.on('error', () => undefined);
    probe.write(Buffer.from('x'));
    Object.assign(probe, { _handle: null });
    probe.destroy();
  } catch {
    return false;
  }
  return asWeDo;
}

/** @returns `undefined` when the socket is closed already */
function handleOf(socket: object): Handle | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  return isHandle(handle) ? handle : undefined;
}

function isHandle(handle: unknown): handle is Handle {
  return typeof handle === 'object' && handle !== null && 'writeBuffer' in handle;
}

/**
 * Where ten thousand end at one instant, the last of them is told so before the first is torn down, which costs more
 * than telling.
 */
const finishing = new InTurns<Socket>(FINS_A_TURN, (socket) => socket.end());

/**
 * HTTP/1.x on plain TCP: chunks go to the kernel without `net.Socket`'s queue, which costs more than all else that is
 * ours of a delivery. The kernel takes a write at once, or the peer is slow and is given no more. FIN goes through
 * the socket when nothing is under way any more: libuv does not reset a connection whose FIN waits behind a write (EINVAL),
 * and Node then lets go of the handle without closing it.
 */
export class HandleTransport implements Transport {
  readonly format: WireFormat;
  readonly #socket: Socket;
  /** Kept apart from the socket, which is then not looked at when an event is written. */
  readonly #handle: Handle | undefined;
  #held: Buffer[] | undefined;
  #underWay = 0;
  #ended = false;

  /** @param head what goes before the first write, and with it */
  constructor(socket: Socket, format: WireFormat, head: Buffer) {
    this.#socket = socket;
    this.#handle = handleOf(socket);
    this.format = format;
    this.#held = [head];
  }

  get group(): number {
    return 0;
  }

  get holding(): boolean {
    return this.#held !== undefined;
  }

  get protocol(): Protocol {
    return this.format === 'chunked' ? 'HTTP/1.1' : 'HTTP/1.0';
  }

  flush(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.write(Buffer.concat(held));
  }

  write(bytes: Buffer): void {
    if (this.#held !== undefined) {
      this.#held.push(bytes);
      return;
    }
    if (this.#ended || this.#handle === undefined) return;
    const written = this.#handle.writeBuffer(null, bytes);
    if (written === 0) return;
    // A number is an error's; a handle that is closed gives nothing at all.
    if (typeof written !== 'object') {
      this.#socket.destroy();
      return;
    }
    this.#underWay++;
    written.buffer = bytes;
    written.owner = this;
    written.oncomplete = taken;
  }

  ready(): boolean {
    return this.#underWay === 0;
  }

  end(bytes: Buffer): void {
    this.flush();
    if (this.#ended || !this.#socket.writable) return;
    this.write(this.format === 'chunked' ? Buffer.concat([bytes, LAST_CHUNK]) : bytes);
    this.#ended = true;
    if (this.#underWay === 0) finishing.push(this.#socket);
  }

  abort(): void {
    this.#socket.resetAndDestroy();
  }

  /** The kernel has the rest of a write, or never will. */
  complete(status: number): void {
    this.#underWay--;
    if (status < 0) this.#socket.destroy();
    else if (this.#ended && this.#underWay === 0) finishing.push(this.#socket);
  }
}

function taken(this: WriteUnderWay, status: number): void {
  this.owner?.complete(status);
}
