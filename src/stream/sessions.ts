import { randomBytes } from 'node:crypto';
import type { Subject } from '../core/brand.ts';
import type { Connection } from './connection.ts';

const CHALLENGE_ID_BYTES = 16;

/** Whether this process has open streams of a subject, whenever that changes. */
export type Holds = (guard: string, subject: Subject, held: boolean) => void;

/** Finds streams by who opened them and by the challenge they were asked. */
export class Sessions {
  readonly #pod: string;
  readonly #holds: Holds;
  readonly #byHolder = new Map<string, Set<Connection>>();
  readonly #bySubject = new Map<string, Set<Connection>>();
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
    return this.#byHolder.get(holder)?.size ?? 0;
  }

  of(guard: string, subject: Subject): Iterable<Connection> {
    return this.#bySubject.get(subjectKey(guard, subject)) ?? [];
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
function put(index: Map<string, Set<Connection>>, key: string, connection: Connection): boolean {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([connection]));
  else set.add(connection);
  return set === undefined;
}

/** @returns whether it was the last one */
function drop(index: Map<string, Set<Connection>>, key: string, connection: Connection): boolean {
  const set = index.get(key);
  set?.delete(connection);
  return set?.size === 0 && index.delete(key);
}
