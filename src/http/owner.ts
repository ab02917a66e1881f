import type { Grant } from '../guard/grant.ts';
import { TOKEN_ERROR_CODES } from '../guard/token-error.ts';
import type { Connection } from '../stream/connection.ts';
import type { Hub } from '../stream/hub.ts';
import { GrantedAuthorisation } from './granted.ts';

/**
 * What comes of an answer. `applied`: the stream, or one of the subject's, goes on until the answer's `exp`.
 * Of several streams with several outcomes the first in this order is told: one that goes on is a success.
 */
export const ANSWER_OUTCOMES = [
  'applied',
  'owner_unreachable',
  'insufficient_scope',
  'claims_changed',
  'other_subject',
  ...TOKEN_ERROR_CODES,
  'not_later',
  'no_such_challenge',
] as const;
export type AnswerOutcome = (typeof ANSWER_OUTCOMES)[number];

/**
 * Whoever holds the streams that an answer is about. It judges by its own guard as it is now. `others` is called when
 * another process is asked.
 */
export interface Owner {
  /** `answer: Stream`: the one stream that was asked this challenge. */
  answerChallenge(grant: Grant, challengeId: string, others?: () => void): Promise<AnswerOutcome>;
  /** `answer: Subject`: every open stream of the grant's guard, subject and session. */
  answerSubject(grant: Grant, others?: () => void): Promise<AnswerOutcome>;
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
    return gravest(
      this.#hub
        .streamsOf(grant.guard, grant.subject)
        .filter(({ authorisation }) => authorisation.session === grant.session)
        .map((connection) => this.#apply(connection, grant)),
    );
  }

  #apply(connection: Connection, grant: Grant): AnswerOutcome {
    const { authorisation } = connection;
    if (!(authorisation instanceof GrantedAuthorisation)) return 'no_such_challenge';
    const successor = authorisation.successor(grant);
    if (typeof successor === 'string') return successor;
    if (successor === authorisation) return 'applied';
    return this.#hub.renew(connection, successor) ? 'applied' : 'no_such_challenge';
  }
}

/** The one to be told; none at all is that there is no such stream. */
export function gravest(outcomes: readonly AnswerOutcome[]): AnswerOutcome {
  return ANSWER_OUTCOMES.find((outcome) => outcomes.includes(outcome)) ?? 'no_such_challenge';
}
