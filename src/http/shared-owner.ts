import type { Control } from '../bus/control.ts';
import type { Grant } from '../guard/grant.ts';
import { type AnswerOutcome, gravest, type Owner } from './owner.ts';
import { type OwnerQuestion, parseOutcome, parseQuestion, writeQuestion } from './owner-message.ts';

/**
 * The streams of every process: an answer may come to any of them. What concerns another process is asked of it, and
 * the outcome is what it says it did; one that stays silent makes it `owner_unreachable`, which is safe to repeat.
 */
export class SharedOwner implements Owner {
  readonly #local: Owner;
  readonly #control: Control;

  constructor(local: Owner, control: Control) {
    this.#local = local;
    this.#control = control;
    control.onQuestion((text) => this.#reply(text));
  }

  async answerChallenge(grant: Grant, challengeId: string, others?: () => void): Promise<AnswerOutcome> {
    const pod = podOf(challengeId);
    if (pod === undefined) return 'no_such_challenge';
    if (pod === this.#control.pod) return this.#local.answerChallenge(grant, challengeId);
    others?.();
    return this.#ask(pod, { kind: 'challenge', challengeId, grant });
  }

  async answerSubject(grant: Grant, asked?: () => void): Promise<AnswerOutcome> {
    const { guard, subject } = grant;
    if (subject === undefined) return 'no_such_challenge';
    const local = await this.#local.answerSubject(grant);
    let pods: readonly string[];
    try {
      pods = await this.#control.holders(holderName(guard, subject));
    } catch {
      // Redis is away, so nobody else can be asked; what this process could do has been done.
      return local === 'no_such_challenge' ? 'owner_unreachable' : local;
    }
    const others = pods.filter((pod) => pod !== this.#control.pod);
    if (others.length > 0) asked?.();
    const outcomes = await Promise.all(others.map((pod) => this.#ask(pod, { kind: 'subject', grant })));
    // One that did not reply may hold streams that were not extended, whatever the others did.
    if (outcomes.includes('owner_unreachable')) return 'owner_unreachable';
    return gravest([local, ...outcomes]);
  }

  async #ask(pod: string, question: OwnerQuestion): Promise<AnswerOutcome> {
    try {
      const reply = await this.#control.ask(pod, writeQuestion(question));
      switch (reply.kind) {
        case 'reply':
          return parseOutcome(reply.text) ?? 'owner_unreachable';
        case 'unregistered':
          return 'no_such_challenge';
        case 'silent':
          return 'owner_unreachable';
      }
    } catch {
      return 'owner_unreachable';
    }
  }

  async #reply(text: string): Promise<string> {
    const question = parseQuestion(text);
    // From another version of the program: told at once, as what it comes to, instead of by silence.
    if (question === undefined) return 'owner_unreachable';
    return question.kind === 'challenge'
      ? this.#local.answerChallenge(question.grant, question.challengeId)
      : this.#local.answerSubject(question.grant);
  }
}

/** How a subject's streams are registered, whichever process they are on. A guard's name holds no NUL. */
export function holderName(guard: string, subject: string): string {
  return `${guard}\0${subject}`;
}

/** A challenge id is `POD.RANDOM`. */
function podOf(challengeId: string): string | undefined {
  return /^([-.\w]{1,128})\.[-\w]{22}$/.exec(challengeId)?.[1];
}
