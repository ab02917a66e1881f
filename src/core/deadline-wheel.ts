import type { EpochMs } from './brand.ts';
import type { Clock, Timer } from './clock.ts';

/** How finely time is cut. A deadline is met at most two ticks, plus whatever the event loop is late, after it is due. */
export const TICK_MS = 5;
/** One turn is 10.24 s. A deadline further away stays in its slot and is looked at once a turn. */
const SLOTS = 2048;

/**
 * What has a deadline. The wheel owns `wheelSlot` and `wheelIndex`; they start at -1.
 * One entry stands for all deadlines of its owner: `dueAt` is the earliest of them. It may be moved *later* freely,
 * the wheel finds out when it gets there; to move it *earlier* call `schedule` again.
 */
export interface Deadline {
  dueAt: EpochMs;
  wheelSlot: number;
  wheelIndex: number;
  /** Called when `dueAt <= now`. It sets the next `dueAt` (the entry stays) or removes the entry. */
  onDue(now: EpochMs): void;
}

/**
 * A hashed timing wheel: one timer for any number of deadlines, O(1) to add, move and remove, no allocation per entry.
 * It is driven by the wall clock at every tick and so survives jumps in both directions. Never early.
 */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: Deadline[][] = Array.from({ length: SLOTS }, () => []);
  #timer: Timer | undefined;
  #tickAt = 0;
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  schedule(entry: Deadline): void {
    this.#take(entry);
    const now = this.#clock.now();
    // What is due already goes to the slot of the coming tick, not to one that has just been passed.
    this.#put(entry, Math.max(entry.dueAt, now));
    if (this.#timer === undefined) {
      this.#tickAt = tickOf(now);
      this.#timer = this.#clock.every(TICK_MS, () => this.#advance());
    }
  }

  remove(entry: Deadline): void {
    this.#take(entry);
    if (this.#size === 0) this.stop();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #advance(): void {
    const now = this.#clock.now();
    const target = tickOf(now);
    // After a jump, or a stall longer than a turn, every slot is visited once.
    const jumped = target < this.#tickAt || target - this.#tickAt >= SLOTS;
    const first = jumped ? target - SLOTS + 1 : this.#tickAt + 1;
    this.#tickAt = target;
    for (let tick = first; tick <= target; tick++) this.#visit(tick % SLOTS, now);
  }

  #visit(index: number, now: EpochMs): void {
    const slot = this.#slots[index];
    if (slot === undefined) return;
    // Backwards: `onDue` may remove its entry, which moves the last one of the slot into the hole.
    for (let i = slot.length - 1; i >= 0; i--) {
      const entry = slot[i];
      if (entry === undefined) continue;
      if (entry.dueAt <= now) entry.onDue(now);
      if (entry.wheelSlot !== index) continue;
      const due = Math.max(entry.dueAt, now);
      if (slotOf(due) !== index) {
        this.#take(entry);
        this.#put(entry, due);
      }
    }
  }

  #put(entry: Deadline, due: number): void {
    const index = slotOf(due);
    const slot = this.#slots[index];
    if (slot === undefined) return;
    entry.wheelSlot = index;
    entry.wheelIndex = slot.push(entry) - 1;
    this.#size++;
  }

  #take(entry: Deadline): void {
    const slot = this.#slots[entry.wheelSlot];
    if (slot === undefined) return;
    const last = slot.pop();
    if (last !== undefined && last !== entry) {
      slot[entry.wheelIndex] = last;
      last.wheelIndex = entry.wheelIndex;
    }
    entry.wheelSlot = -1;
    entry.wheelIndex = -1;
    this.#size--;
  }
}

function tickOf(time: number): number {
  return Math.floor(time / TICK_MS);
}

/** A deadline falls due within its tick, so it is looked for in the tick after. */
function slotOf(due: number): number {
  return (tickOf(due) + 1) % SLOTS;
}
