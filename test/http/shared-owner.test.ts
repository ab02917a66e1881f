import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BusError } from '../../src/bus/bus-error.ts';
import type { Control, ControlReply } from '../../src/bus/control.ts';
import { epochMs, subject } from '../../src/core/brand.ts';
import type { Grant } from '../../src/guard/grant.ts';
import { GrantedAuthorisation } from '../../src/http/granted.ts';
import { type AnswerOutcome, LocalOwner, type Owner } from '../../src/http/owner.ts';
import { parseQuestion, writeQuestion } from '../../src/http/owner-message.ts';
import { holderName, SharedOwner } from '../../src/http/shared-owner.ts';
import { startGateway } from '../support/gateway.ts';
import { AUDIENCE } from '../support/issuer.ts';
import { openStream } from '../support/open-stream.ts';

const RANDOM = 'AAAAAAAAAAAAAAAAAAAAA_';
const GRANT: Grant = {
  guard: 'main',
  guardUid: 'u',
  generation: 1,
  subject: subject('alice'),
  session: 's',
  scopes: new Set(['read']),
  expiresAt: epochMs(2000),
  closeAt: epochMs(3000),
  issuedAt: epochMs(1),
  claims: { sub: 'alice' },
  algorithm: 'ES256',
  keyThumbprint: 'k',
  tokenHash: 'h',
};

/** What other processes say to whatever they are asked; `away`: Redis can't be reached. */
type Others = Readonly<Record<string, AnswerOutcome | 'silent' | 'unregistered' | 'away' | 'not an outcome'>>;

class ScriptedControl implements Control {
  readonly pod = 'me';
  readonly asked: string[] = [];
  readonly questions: string[] = [];
  reply: (question: string) => Promise<string> = () => Promise.reject(new Error('not set'));
  readonly #others: Others;
  readonly #holders: readonly string[] | 'away';

  constructor(others: Others, holders: readonly string[] | 'away' = ['me', ...Object.keys(others)]) {
    this.#others = others;
    this.#holders = holders;
  }

  async ask(pod: string, question: string): Promise<ControlReply> {
    this.asked.push(pod);
    this.questions.push(question);
    const outcome = this.#others[pod] ?? 'unregistered';
    if (outcome === 'away') throw new BusError('away');
    return outcome === 'silent' || outcome === 'unregistered'
      ? { kind: outcome }
      : { kind: 'reply', text: outcome };
  }

  onQuestion(reply: (question: string) => Promise<string>): void {
    this.reply = reply;
  }

  hold(): void {}

  async holders(name: string): Promise<readonly string[]> {
    assert.equal(name, 'main\0alice');
    if (this.#holders === 'away') throw new BusError('away');
    return this.#holders;
  }
}

/** The streams of this process: all questions come to the same. */
class ScriptedOwner implements Owner {
  readonly asked: string[] = [];
  readonly #outcome: AnswerOutcome;

  constructor(outcome: AnswerOutcome) {
    this.#outcome = outcome;
  }

  async answerChallenge(grant: Grant, challengeId: string): Promise<AnswerOutcome> {
    assert.deepEqual(grant, GRANT);
    this.asked.push(challengeId);
    return this.#outcome;
  }

  async answerSubject(grant: Grant): Promise<AnswerOutcome> {
    assert.deepEqual(grant, GRANT);
    this.asked.push('subject');
    return this.#outcome;
  }
}

describe('an answer to a subject, at a process that shares its streams with others,', () => {
  const cases: readonly {
    readonly name: string;
    readonly local?: AnswerOutcome;
    readonly others?: Others;
    readonly holders?: readonly string[] | 'away';
    readonly outcome: AnswerOutcome;
  }[] = [
    { name: 'is applied when all applied it', others: { a: 'applied', b: 'applied' }, outcome: 'applied' },
    {
      name: 'is applied when one refused it and one applied it',
      others: { a: 'not_later', b: 'applied' },
      outcome: 'applied',
    },
    {
      name: 'is applied when this process did and another refused it',
      local: 'applied',
      others: { a: 'insufficient_scope' },
      outcome: 'applied',
    },
    {
      name: 'is not known when any is silent, whatever the others did',
      local: 'applied',
      others: { a: 'applied', b: 'silent' },
      outcome: 'owner_unreachable',
    },
    {
      name: 'is not known when Redis goes away while they are asked',
      local: 'applied',
      others: { a: 'applied', b: 'away' },
      outcome: 'owner_unreachable',
    },
    {
      name: 'is not known when another version says something else',
      others: { a: 'not an outcome' },
      outcome: 'owner_unreachable',
    },
    { name: 'finds nothing when nobody has such streams', holders: [], outcome: 'no_such_challenge' },
    { name: 'finds nothing when it is alone and has none', holders: ['me'], outcome: 'no_such_challenge' },
    {
      name: 'passes over one that has gone meanwhile',
      others: { a: 'unregistered' },
      outcome: 'no_such_challenge',
    },
    {
      name: 'passes over one that has gone meanwhile and tells what the rest said',
      others: { a: 'unregistered', b: 'claims_changed' },
      outcome: 'claims_changed',
    },
    {
      name: 'tells of several refusals the gravest',
      local: 'not_later',
      others: { a: 'wrong_audience', b: 'insufficient_scope' },
      outcome: 'insufficient_scope',
    },
    {
      name: 'tells what the owner judged by its own guard',
      others: { a: 'unknown_key' },
      outcome: 'unknown_key',
    },
    {
      name: 'is applied here when Redis is away',
      local: 'applied',
      holders: 'away',
      outcome: 'applied',
    },
    {
      name: 'is refused here when Redis is away',
      local: 'not_later',
      holders: 'away',
      outcome: 'not_later',
    },
    {
      name: 'is not known when Redis is away and it has none',
      holders: 'away',
      outcome: 'owner_unreachable',
    },
  ];
  for (const { name, local = 'no_such_challenge', others = {}, holders, outcome } of cases) {
    it(name, async () => {
      const control = new ScriptedControl(others, holders);
      const here = new ScriptedOwner(local);
      assert.equal(await new SharedOwner(here, control).answerSubject(GRANT), outcome);
      assert.deepEqual(here.asked, ['subject'], 'its own streams are asked without a question');
      assert.deepEqual(control.asked, Object.keys(others));
      for (const text of control.questions)
        assert.deepEqual(parseQuestion(text), { kind: 'subject', grant: GRANT });
    });
  }

  it('finds nothing without a subject, and asks nobody', async () => {
    const control = new ScriptedControl({ a: 'applied' });
    const here = new ScriptedOwner('applied');
    const outcome = await new SharedOwner(here, control).answerSubject({ ...GRANT, subject: undefined });
    assert.deepEqual([outcome, here.asked, control.asked], ['no_such_challenge', [], []]);
  });
});

describe('an answer to a challenge, at a process that shares its streams with others,', () => {
  const cases: readonly {
    readonly name: string;
    readonly id: string;
    readonly others?: Others;
    readonly outcome: AnswerOutcome;
    readonly asks?: readonly string[];
    readonly asksHere?: boolean;
  }[] = [
    {
      name: 'is asked of the process that the id names',
      id: `a.${RANDOM}`,
      others: { a: 'applied', b: 'not_later' },
      outcome: 'applied',
      asks: ['a'],
    },
    {
      name: 'tells its refusal',
      id: `a.${RANDOM}`,
      others: { a: 'bad_signature' },
      outcome: 'bad_signature',
      asks: ['a'],
    },
    {
      name: 'is not known when it is silent',
      id: `a.${RANDOM}`,
      others: { a: 'silent' },
      outcome: 'owner_unreachable',
      asks: ['a'],
    },
    {
      name: 'is not known when Redis is away',
      id: `a.${RANDOM}`,
      others: { a: 'away' },
      outcome: 'owner_unreachable',
      asks: ['a'],
    },
    {
      name: 'finds nothing when there is no such process',
      id: `a.${RANDOM}`,
      outcome: 'no_such_challenge',
      asks: ['a'],
    },
    {
      name: 'asks nobody when it is this one',
      id: `me.${RANDOM}`,
      others: { me: 'silent' },
      outcome: 'not_later',
      asksHere: true,
    },
    {
      name: 'takes dots in a process’s name',
      id: `a.b-c_d.${RANDOM}`,
      others: { 'a.b-c_d': 'applied' },
      outcome: 'applied',
      asks: ['a.b-c_d'],
    },
    ...[
      '',
      '.',
      'a',
      'a.',
      RANDOM,
      `.${RANDOM}`,
      `a.${RANDOM}x`,
      `a.${RANDOM.slice(1)}`,
      `a.${RANDOM}\n`,
      `a:b.${RANDOM}`,
      `a b.${RANDOM}`,
      `*.${RANDOM}`,
      `ä.${RANDOM}`,
      `${'a'.repeat(129)}.${RANDOM}`,
      `a.${RANDOM.replace('_', '=')}`,
    ].map((id) => ({
      name: `finds nothing by the id ${JSON.stringify(id).slice(0, 50)}`,
      id,
      others: { a: 'applied' } as const,
      outcome: 'no_such_challenge' as const,
    })),
  ];
  for (const { name, id, others = {}, outcome, asks = [], asksHere = false } of cases) {
    it(name, async () => {
      const control = new ScriptedControl(others);
      const here = new ScriptedOwner('not_later');
      assert.equal(await new SharedOwner(here, control).answerChallenge(GRANT, id), outcome);
      assert.deepEqual(control.asked, asks);
      assert.deepEqual(here.asked, asksHere ? [id] : []);
      for (const text of control.questions) {
        assert.deepEqual(parseQuestion(text), { kind: 'challenge', challengeId: id, grant: GRANT });
      }
    });
  }
});

describe('a question of another process', () => {
  const create = (outcome: AnswerOutcome) => {
    const control = new ScriptedControl({});
    const here = new ScriptedOwner(outcome);
    new SharedOwner(here, control);
    return { here, control };
  };

  it('is answered by the streams of this process, and asked on to nobody', async () => {
    const { here, control } = create('unknown_key');
    const id = `me.${RANDOM}`;
    assert.equal(await control.reply(writeQuestion({ kind: 'subject', grant: GRANT })), 'unknown_key');
    const challenge = { kind: 'challenge', challengeId: id, grant: GRANT } as const;
    assert.equal(await control.reply(writeQuestion(challenge)), 'unknown_key');
    assert.deepEqual(here.asked, ['subject', id]);
    assert.deepEqual(control.asked, []);
  });

  it('is judged again by the guard and the keys that this process has', async () => {
    await using server = await startGateway({ guard: 'challenge: { leadTime: 60s }' });
    using stream = await openStream(server.port, '/events', {
      authorization: `Bearer ${server.token({}, 30)}`,
    });
    const { headers } = JSON.parse((await stream.next('challenge')).data);
    const challengeId: string = headers['challenge-id'];
    const authorisation = server.gateway.hub.challenged(challengeId)?.authorisation;
    assert.ok(authorisation instanceof GrantedAuthorisation);
    const { grant } = authorisation;
    const later: Grant = {
      ...grant,
      tokenHash: 'another',
      expiresAt: epochMs(grant.expiresAt + 60_000),
      closeAt: epochMs(grant.closeAt + 60_000),
    };
    const control = new ScriptedControl({});
    new SharedOwner(new LocalOwner(server.gateway.hub), control);
    const cases: readonly (readonly [Grant, AnswerOutcome])[] = [
      [{ ...later, keyThumbprint: 'of a key that is gone here' }, 'unknown_key'],
      [{ ...later, claims: { ...grant.claims, aud: `${AUDIENCE}x` } }, 'wrong_audience'],
      [{ ...later, claims: { ...grant.claims, iss: 'https://other.example' } }, 'wrong_issuer'],
      [{ ...later, algorithm: 'HS256' }, 'algorithm'],
      [{ ...later, claims: { ...grant.claims, exp: 1 } }, 'expired'],
      [{ ...later, scopes: new Set() }, 'insufficient_scope'],
      [{ ...later, subject: subject('bob') }, 'other_subject'],
      [{ ...later, guardUid: 'of a guard of the same name' }, 'other_subject'],
      [grant, 'not_later'],
      [later, 'applied'],
    ];
    for (const [each, outcome] of cases) {
      const question = writeQuestion({ kind: 'challenge', challengeId, grant: each });
      assert.equal(await control.reply(question), outcome);
    }
    const unknown = writeQuestion({ kind: 'challenge', challengeId: `pod-1.${RANDOM}`, grant: later });
    assert.equal(await control.reply(unknown), 'no_such_challenge');
  });

  it('that is not understood is one that could not be judged', async () => {
    const { here, control } = create('applied');
    for (const text of ['', '{', 'null', '{"kind":"subject"}', '{"kind":"revoke","grant":{}}']) {
      assert.equal(await control.reply(text), 'owner_unreachable');
    }
    assert.deepEqual(here.asked, []);
  });
});

describe('the name by which holders are registered', () => {
  it('is another for another guard or subject', () => {
    const names = [holderName('a', 'b'), holderName('ab', ''), holderName('', 'ab'), holderName('b', 'a')];
    assert.equal(new Set(names).size, names.length);
  });
});

describe('that another process is asked', () => {
  const cases: readonly [what: string, others: Others, podOfChallenge: string, told: readonly string[]][] = [
    ['is told of a challenge of another one', { a: 'applied' }, 'a', ['challenge', 'subject']],
    ['is told although it says nothing', { a: 'silent' }, 'a', ['challenge', 'subject']],
    ['is not told when there is none', {}, 'me', []],
  ];
  for (const [what, others, pod, told] of cases) {
    it(what, async () => {
      const owner = new SharedOwner(new ScriptedOwner('applied'), new ScriptedControl(others));
      const asked: string[] = [];
      await owner.answerChallenge(GRANT, `${pod}.${RANDOM}`, () => void asked.push('challenge'));
      await owner.answerSubject(GRANT, () => void asked.push('subject'));
      assert.deepEqual(asked, told);
    });
  }
});
