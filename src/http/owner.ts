import type { Grant } from '../guard/grant.ts';
import type { Connection } from '../stream/connection.ts';
import type { Hub } from '../stream/hub.ts';
import { type AnswerRefusal, GrantedAuthorisation } from './granted.ts';

/** `applied`: the stream, or one of the subject's, goes on until the answer's `exp`. */
export type AnswerOutcome = 'applied' | AnswerRefusal;

/** Whoever holds the streams that an answer is about. It judges by its own guard as it is now. */
export interface Owner {
  /** `answer: Stream`: the one stream that was asked this challenge. */
  answerChallenge(grant: Grant, challengeId: string): Promise<AnswerOutcome>;
  /** `answer: Subject`: every open stream of the grant's guard, subject and session. */
  answerSubject(grant: Grant): Promise<AnswerOutcome>;
}

/** The streams of this process. */
export class LocalOwner implements Owner {
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  async answerChallenge(grant: Grant, challengeId: string): Promise<AnswerOutcome> {
    const connection = this.#hub.challenged(challengeId);
    return connection === undefined ? 'no_such_challenge' : this.#apply(connection, grant);
  }

  async answerSubject(grant: Grant): Promise<AnswerOutcome> {
    if (grant.subject === undefined) return 'no_such_challenge';
    const outcomes = this.#hub
      .streamsOf(grant.guard, grant.subject)
      .filter(({ authorisation }) => authorisation.session === grant.session)
      .map((connection) => this.#apply(connection, grant));
    return (
      outcomes.toSorted((a, b) => PRECEDENCE.indexOf(a) - PRECEDENCE.indexOf(b))[0] ?? 'no_such_challenge'
    );
  }

  #apply(connection: Connection, grant: Grant): AnswerOutcome {
    const { authorisation } = connection;
    if (!(authorisation instanceof GrantedAuthorisation)) return 'no_such_challenge';
    const successor = authorisation.successor(grant);
    if (typeof successor === 'string') return successor;
    if (successor !== authorisation) this.#hub.renew(connection, successor);
    return 'applied';
  }
}

/** Of several streams with several outcomes the first of these is told: one that goes on is a success. */
const PRECEDENCE: readonly AnswerOutcome[] = [
  'applied',
  'insufficient_scope',
  'claims_changed',
  'other_subject',
  'not_later',
  'no_such_challenge',
];
