import { randomBytes } from 'node:crypto';
import type { Subject } from '../core/brand.ts';
import { Connection } from './connection.ts';

const CHALLENGE_ID_BYTES = 16;

/** Whether this process has open streams of a subject, whenever that changes. */
export type Holds = (guard: string, subject: Subject, held: boolean) => void;

/** Most have one stream, for which a set would be the largest part of what is kept of it here. */
type Index = Map<string, Connection | Set<Connection>>;

/** Finds streams by who opened them and by the challenge they were asked. */
export class Sessions {
  readonly #pod: string;
  readonly #holds: Holds;
  readonly #byHolder: Index = new Map();
  readonly #bySubject: Index = new Map();
  readonly #byChallenge = new Map<string, Connection>();

  /**
   * @param pod names this process in challenge ids, so that any pod finds the owner
   * @param holds is told when a subject's first stream comes, and when its last one goes
   */
  constructor(pod: string, holds: Holds) {
    this.#pod = pod;
    this.#holds = holds;
  }

  add(connection: Connection): void {
    const { guard, subject, holder } = connection.authorisation;
    if (holder !== undefined) put(this.#byHolder, holder, connection);
    if (guard !== undefined && subject !== undefined) {
      const first = put(this.#bySubject, subjectKey(guard, subject), connection);
      if (first) this.#holds(guard, subject, true);
    }
  }

  remove(connection: Connection): void {
    const { guard, subject, holder } = connection.authorisation;
    if (holder !== undefined) drop(this.#byHolder, holder, connection);
    if (guard !== undefined && subject !== undefined) {
      const last = drop(this.#bySubject, subjectKey(guard, subject), connection);
      if (last) this.#holds(guard, subject, false);
    }
    this.#forget(connection);
  }

  /** How many streams this holder has open. */
  held(holder: string): number {
    const held = this.#byHolder.get(holder);
    return held instanceof Set ? held.size : held === undefined ? 0 : 1;
  }

  of(guard: string, subject: Subject): Iterable<Connection> {
    const streams = this.#bySubject.get(subjectKey(guard, subject)) ?? [];
    return streams instanceof Connection ? [streams] : streams;
  }

  /** A new challenge id for the stream, `POD.128 random bits`; the one before is answerable no longer. */
  challenge(connection: Connection): string {
    this.#forget(connection);
    const id = `${this.#pod}.${randomBytes(CHALLENGE_ID_BYTES).toString('base64url')}`;
    connection.challengeId = id;
    this.#byChallenge.set(id, connection);
    return id;
  }

  challenged(id: string): Connection | undefined {
    return this.#byChallenge.get(id);
  }

  #forget(connection: Connection): void {
    if (connection.challengeId !== undefined) this.#byChallenge.delete(connection.challengeId);
    connection.challengeId = undefined;
  }
}

/** A guard's name holds no NUL, so the pair is unambiguous. */
function subjectKey(guard: string, subject: Subject): string {
  return `${guard}\0${subject}`;
}

/** @returns whether it is the first one */
function put(index: Index, key: string, connection: Connection): boolean {
  const there = index.get(key);
  if (there instanceof Set) there.add(connection);
  else index.set(key, there === undefined ? connection : new Set([there, connection]));
  return there === undefined;
}

/** @returns whether it was the last one */
function drop(index: Index, key: string, connection: Connection): boolean {
  const there = index.get(key);
  if (there instanceof Set) there.delete(connection);
  const last = there instanceof Set ? there.size === 0 : there === connection;
  return last && index.delete(key);
}
