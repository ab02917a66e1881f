import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { check } from './checker.ts';
import { FRESH, ScriptedHistory, TOKEN } from './scripted-history.ts';
import type { ViolationKind } from './violation.ts';

type Scenario = (history: ScriptedHistory) => ScriptedHistory;

/** A client that is connected from the beginning of the log. */
const connected = (): ScriptedHistory => new ScriptedHistory().client().open({ head: '0-0' });

function kinds(history: ScriptedHistory, gapsAllowed = true): readonly ViolationKind[] {
  return check(history.entries, { gapsAllowed }).violations.map(({ kind }) => kind);
}

const ONE_TOKEN = { by: 'tokenId', value: TOKEN.jti } as const;

/** An event that was sent more than a second after what the stream lives by was revoked. */
function stayed(
  history: ScriptedHistory,
  target: Parameters<ScriptedHistory['revoke']>[1] = {},
): ScriptedHistory {
  return history.revoke(204, target).wait(1_000).publish(1).get(1);
}

const GOOD: Readonly<Record<string, Scenario>> = {
  'everything, once, in order': (h) => h.publish(1, 2, 3).get(1, 2, 3).settle(),
  'delivered before its producer heard of it': (h) =>
    h.send('e1').get(1).acknowledge('e1', '1-0').get().settle(),
  'the rest on another gateway': (h) =>
    h.publish(1, 2, 3).get(1).cut().open({ resume: '1-0' }).get(2, 3).settle(),
  'resumed from a position that passed events for others': (h) =>
    h
      .send('x', 'b')
      .acknowledge('x', '1-0')
      .publish(2)
      .position('1-0')
      .cut()
      .open({ resume: '1-0' })
      .get(2)
      .settle(),
  'cut before it had anything': (h) =>
    h.publish(1).cut().open({ resume: '0-0' }).cut().open({ resume: '0-0' }).get(1).settle(),
  'what was there before it came is not owed': (h) =>
    h.publish(1, 2).client('c2').open({ head: '1-0' }, 'c2').event('2-0', 'e2', 'c2').get(1, 2).settle(),
  'an event whose fate is unknown, delivered': (h) => h.send('e1').publish(2).get(1, 2).settle(),
  'an event whose fate is unknown, not delivered': (h) => h.send('e1').publish(2).get(2).settle(),
  'refused since the log was away, delivered all the same': (h) =>
    h.send('e1').record({ kind: 'refused', producer: 'p1', ref: 'e1', code: 'unavailable' }).get(1).settle(),
  'a gap that covers what is missing': (h) => h.publish(1, 2, 3, 4).get(1).gap('1-0', '4-0').get(4).settle(),
  'a gap without an end that covers what is missing': (h) =>
    h.publish(1, 2).gap('0-0', null).publish(3).get(3).settle(),
  'a gap before a position': (h) => h.publish(1, 2).gap('0-0', null).position('2-0').settle(),
  'a gap before the end of the run': (h) => h.publish(1, 2).gap('0-0', null).settle(),
  'a gap told on the stream before': (h) =>
    h.publish(1).get(1).publish(2).gap('1-0', null).cut().open({ resume: '1-0' }).publish(3).get(3).settle(),
  'for one subject alone': (h) =>
    h
      .send('e1', 'a', { guard: 'main', subjects: ['bob'] })
      .acknowledge('e1', '1-0')
      .send('e2', 'a', { guard: 'other', subjects: ['alice'] })
      .acknowledge('e2', '2-0')
      .send('e3', 'a', { guard: 'main', subjects: ['alice'] })
      .acknowledge('e3', '3-0')
      .get(3)
      .settle(),
  'a token that ended, and another': (h) =>
    h
      .cut()
      .open({ resume: '0-0' }, 'c1', 100)
      .wait(200)
      .end('token_expired')
      .publish(1)
      .cut()
      .open({ resume: '0-0' })
      .get(1)
      .settle(),
  'an answer that was accepted': (h) =>
    h.cut().open({ resume: '0-0' }, 'c1', 100).answer(204).wait(200).publish(1).get(1).settle(),
  'an answer of which nobody knows whether it was applied': (h) =>
    h.cut().open({ resume: '0-0' }, 'c1', 100).answer(503).wait(200).publish(1).get(1).settle(),
  'ids of many digits, compared as numbers': (h) =>
    h
      .send('x')
      .acknowledge('x', '999-9')
      .send('y')
      .acknowledge('y', '999-10')
      .send('z')
      .acknowledge('z', '1000-0')
      .event('999-9', 'x')
      .event('999-10', 'y')
      .event('1000-0', 'z')
      .settle(),
  'a revoked token, and a fresh one': (h) => h.publish(1).revoke().comeBack('0-0').get(1).settle(),
  'an event within the second of a revocation': (h) =>
    h.revoke().wait(900).publish(1).get(1).comeBack('1-0').settle(),
  'an event that was sent within the second and comes a little later': (h) =>
    h.revoke().publish(1).wait(2_500).get(1).comeBack('1-0').settle(),
  'a revocation that was refused since Redis was away': (h) =>
    h.revoke(503).wait(5_000).publish(1).get(1).settle(),
  'a revocation of which nobody knows whether it was taken': (h) => h.revoke(0).comeBack('0-0').settle(),
  'a revocation while Redis is away, in force when it is back': (h) =>
    h.revoke().outOfReach(5_000).wait(1_900).publish(1).get(1).comeBack('1-0').settle(),
  'a revocation of one token when there is another by now': (h) =>
    h.wait(1_000).answer(204, 70_000).revoke(204, ONE_TOKEN).wait(5_000).publish(1).get(1).settle(),
  'a revocation of tokens that are older': (h) =>
    h.revoke(204, { before: TOKEN.issuedAt }).wait(5_000).publish(1).get(1).settle(),
  'a revocation of the subject of another guard': (h) =>
    h.revoke(204, { by: 'subject', value: 'alice', guard: 'other' }).wait(5_000).publish(1).get(1).settle(),
  'a revoked token that is refused': (h) =>
    h
      .revoke()
      .end('revoked')
      .cut()
      .authorise()
      .record({ kind: 'rejected', client: 'c1', gateway: 'g2', status: 401, code: 'revoked' })
      .wait(1_000)
      .tryAgain(401, 'revoked')
      .open({ resume: '0-0' }, 'c1', 60_000, FRESH)
      .settle(),
  'a run that has not settled owes nothing yet': (h) => h.publish(1),
};

const BROKEN: Readonly<Record<string, readonly [expected: readonly ViolationKind[], Scenario]>> = {
  'an event lost between two others': [['lost'], (h) => h.publish(1, 2, 3).get(1, 3).settle()],
  'an event lost before the first': [['lost'], (h) => h.publish(1, 2).get(2).settle()],
  'an event lost across a reconnect': [
    ['lost'],
    (h) => h.publish(1, 2, 3).get(1).cut().open({ resume: '1-0' }).get(3).settle(),
  ],
  'an event lost at a position': [['lost'], (h) => h.publish(1, 2).get(1).position('2-0').settle()],
  'an event lost before a position, across a reconnect': [
    ['lost'],
    (h) =>
      h
        .publish(1)
        .send('x', 'b')
        .acknowledge('x', '2-0')
        .cut()
        .open({ resume: '0-0' })
        .position('2-0')
        .settle(),
  ],
  'an event for its subject alone, lost': [
    ['lost'],
    (h) =>
      h
        .send('e1', 'a', { guard: 'main', subjects: ['alice', 'bob'] })
        .acknowledge('e1', '1-0')
        .publish(2)
        .get(2)
        .settle(),
  ],
  'an acknowledged event that never comes': [['undelivered'], (h) => h.publish(1, 2).get(1).settle()],
  'the same event twice': [['duplicate'], (h) => h.publish(1, 2).get(1, 1, 2).settle()],
  'the same event twice, later': [['duplicate'], (h) => h.publish(1, 2, 3).get(1, 2, 1, 3).settle()],
  'the same event twice, across a reconnect': [
    ['duplicate'],
    (h) => h.publish(1, 2).get(1).cut().open({ resume: '1-0' }).get(1, 2).settle(),
  ],
  'an unacknowledged event twice': [['duplicate'], (h) => h.send('e1').get(1, 1).settle()],
  'two events in the wrong order': [['lost', 'disorder'], (h) => h.publish(1, 2).get(2, 1).settle()],
  'an unacknowledged event in the wrong order': [
    ['disorder'],
    (h) => h.send('e1').publish(2).get(2, 1).settle(),
  ],
  'an event before the head of the opening': [
    ['disorder'],
    (h) =>
      h.publish(1, 2).get(1, 2).client('c2').open({ head: '2-0' }, 'c2').event('1-0', 'e1', 'c2').settle(),
  ],
  'a position before where it was': [
    ['position_falls'],
    (h) => h.publish(1, 2).get(1, 2).position('1-0').settle(),
  ],
  'a gap that ends before what is missing': [
    ['lost'],
    (h) => h.publish(1, 2, 3, 4).gap('0-0', '2-0').get(2, 4).settle(),
  ],
  'a gap that begins after what is missing': [
    ['lost'],
    (h) => h.publish(1, 2, 3, 4).gap('2-0', '4-0').get(4).settle(),
  ],
  'a gap told before what is missing was sent': [
    ['lost'],
    (h) => h.gap('0-0', null).publish(1, 2).get(2).settle(),
  ],
  'a gap told after the hole': [['lost'], (h) => h.publish(1, 2).get(2).gap('2-0', null).settle()],
  'a gap told for an earlier hole': [
    ['lost'],
    (h) => h.publish(1, 2, 3, 4).gap('0-0', '2-0').get(2).get(4).settle(),
  ],
  'a gap told to another client': [
    ['lost'],
    (h) => h.client('c2').open({ head: '0-0' }, 'c2').publish(1, 2).gap('0-0', null, 'c2').get(2).settle(),
  ],
  'what the gap announces does not come first': [
    ['untrue_gap'],
    (h) => h.publish(1, 2, 3).gap('0-0', '3-0').get(2, 3).settle(),
  ],
  'what the gap announces does not come at all': [
    ['untrue_gap', 'lost'],
    (h) => h.publish(1, 2, 3).gap('0-0', '2-0').get(3).settle(),
  ],
  'an event that nobody sent': [['unknown_event'], (h) => h.event('1-0', 'nobody').settle()],
  'an event of another topic': [
    ['not_for_client'],
    (h) => h.send('e1', 'b').acknowledge('e1', '1-0').get(1).settle(),
  ],
  'an event for another subject': [
    ['not_for_client'],
    (h) =>
      h
        .send('e1', 'a', { guard: 'main', subjects: ['bob'] })
        .acknowledge('e1', '1-0')
        .get(1)
        .settle(),
  ],
  "an event for the subject's name under another guard": [
    ['not_for_client'],
    (h) =>
      h
        .send('e1', 'a', { guard: 'other', subjects: ['alice'] })
        .acknowledge('e1', '1-0')
        .get(1)
        .settle(),
  ],
  'one event under two ids': [
    ['identity'],
    (h) => h.send('e1').acknowledge('e1', '1-0').get(1).event('2-0', 'e1').settle(),
  ],
  'delivered under another id than was acknowledged': [
    ['identity', 'lost'],
    (h) => h.send('e1').acknowledge('e1', '1-0').event('2-0', 'e1').settle(),
  ],
  'one id for two events': [
    ['identity'],
    (h) =>
      h
        .client('c2')
        .open({ head: '0-0' }, 'c2')
        .send('e1')
        .send('e2')
        .event('1-0', 'e1')
        .event('1-0', 'e2', 'c2')
        .settle(),
  ],
  'two acknowledgements with one id': [
    ['identity', 'producer_disorder'],
    (h) => h.send('e1').send('e2').acknowledge('e1', '1-0').acknowledge('e2', '1-0').get(1),
  ],
  'ids that fall for a producer': [
    ['producer_disorder'],
    (h) => h.send('e2').send('e1').acknowledge('e2', '2-0').acknowledge('e1', '1-0').get(1, 2).settle(),
  ],
  'an acknowledgement for nothing': [
    ['bad_acknowledgement'],
    (h) => h.acknowledge('never sent', '1-0').settle(),
  ],
  'two acknowledgements for one line': [
    ['bad_acknowledgement'],
    (h) => h.publish(1).acknowledge('e1', '1-0').get(1).settle(),
  ],
  'a good line refused': [
    ['refused'],
    (h) => h.send('e1').record({ kind: 'refused', producer: 'p1', ref: 'e1', code: 'bad_json' }).settle(),
  ],
  'an event after the end': [['no_stream', 'absent'], (h) => h.publish(1).end('draining').get(1).settle()],
  'an event after the connection was gone': [
    ['no_stream', 'absent'],
    (h) => h.publish(1).cut().get(1).settle(),
  ],
  'an event before the stream was open': [
    ['no_stream'],
    (h) =>
      h
        .publish(1)
        .cut()
        .authorise()
        .get(1)
        .record({ kind: 'opened', client: 'c1', gateway: 'g1', resume: '1-0' })
        .settle(),
  ],
  'an event without authorisation': [
    ['before_authorisation'],
    (h) =>
      h
        .publish(1)
        .cut()
        .record({ kind: 'opened', client: 'c1', gateway: 'g1', resume: '0-0' })
        .get(1)
        .settle(),
  ],
  'an event before the authorisation begins': [
    ['before_authorisation'],
    (h) =>
      h
        .publish(1)
        .cut()
        .record({ kind: 'authorised', client: 'c1', from: 5_000, until: 9_000, token: TOKEN })
        .record({ kind: 'opened', client: 'c1', gateway: 'g1', resume: '0-0' })
        .get(1)
        .settle(),
  ],
  'an event sent after the authorisation ended': [
    ['after_authorisation'],
    (h) => h.cut().open({ resume: '0-0' }, 'c1', 100).wait(200).publish(1).get(1).settle(),
  ],
  'an event that comes long after the authorisation ended': [
    ['after_authorisation'],
    (h) => h.cut().open({ resume: '0-0' }, 'c1', 100).publish(1).wait(3_000).get(1).settle(),
  ],
  'an event under an answer that was refused': [
    ['after_authorisation'],
    (h) => h.cut().open({ resume: '0-0' }, 'c1', 100).answer(401).wait(200).publish(1).get(1).settle(),
  ],
  'expired before its token': [
    ['expired_early'],
    (h) => h.end('token_expired').cut().open({ resume: '0-0' }).settle(),
  ],
  'expired although the answer was accepted': [
    ['expired_early'],
    (h) =>
      h
        .cut()
        .open({ resume: '0-0' }, 'c1', 100)
        .answer(204)
        .wait(200)
        .end('token_expired')
        .cut()
        .open({ resume: '0-0' })
        .settle(),
  ],
  'an event for a revoked subject': [
    ['after_revocation'],
    (h) => stayed(h, { by: 'subject', value: 'alice' }).comeBack('1-0').settle(),
  ],
  'an event for a revoked session': [['after_revocation'], (h) => stayed(h).comeBack('1-0').settle()],
  'an event for a revoked token': [
    ['after_revocation'],
    (h) => stayed(h, ONE_TOKEN).comeBack('1-0').settle(),
  ],
  'an event for a token that was issued before the instant told': [
    ['after_revocation'],
    (h) =>
      stayed(h, { before: TOKEN.issuedAt + 1 })
        .comeBack('1-0')
        .settle(),
  ],
  'an event for a revoked answer, although the token before it was not revoked': [
    ['after_revocation'],
    (h) =>
      stayed(h.wait(1_000).answer(204, 70_000), { ...ONE_TOKEN, value: FRESH.jti })
        .comeBack('1-0')
        .settle(),
  ],
  'an event for a revoked token, although Redis was away before': [
    ['after_revocation'],
    (h) => stayed(h.outOfReach(5_000).wait(1_000)).comeBack('1-0').settle(),
  ],
  'an event for a revoked token when Redis has been back for long': [
    ['after_revocation'],
    (h) => h.revoke().outOfReach(5_000).wait(2_100).publish(1).get(1).comeBack('1-0').settle(),
  ],
  'an event for a revoked token, sent in time and far too late': [
    ['after_revocation', 'cut_late'],
    (h) => h.revoke().publish(1).wait(3_100).get(1).comeBack('1-0').settle(),
  ],
  'a stream of a revoked token that ends late': [
    ['cut_late'],
    (h) => h.revoke().wait(3_100).comeBack('0-0').settle(),
  ],
  'a stream of a revoked token that does not end': [['cut_late'], (h) => h.revoke().wait(3_100).settle()],
  'a stream opened by a revoked token': [
    ['let_in'],
    (h) => h.revoke().end('revoked').cut().wait(1_000).open({ resume: '0-0' }).comeBack('0-0').settle(),
  ],
  'a revoked token accepted as an answer': [
    ['let_in'],
    (h) =>
      h
        .revoke()
        .wait(1_000)
        .answer(204, 70_000, { ...TOKEN, jti: 't4' })
        .comeBack('0-0')
        .settle(),
  ],
  'a revoked token let in again': [
    ['let_in'],
    (h) => h.revoke().comeBack('0-0').wait(1_000).tryAgain(200).settle(),
  ],
  'ended as revoked when nobody asked': [['wrongly_revoked'], (h) => h.comeBack('0-0').settle()],
  'ended as revoked although it lives by a fresh token': [
    ['wrongly_revoked'],
    (h) => h.wait(1_000).answer(204, 70_000).revoke(204, ONE_TOKEN).comeBack('0-0').settle(),
  ],
  'a fresh token refused as revoked': [
    ['wrongly_revoked'],
    (h) =>
      h
        .revoke()
        .end('revoked')
        .cut()
        .wait(1_000)
        .authorise('c1', 60_000, FRESH)
        .record({ kind: 'rejected', client: 'c1', gateway: 'g2', status: 401, code: 'revoked' })
        .open({ resume: '0-0' }, 'c1', 60_000, FRESH)
        .settle(),
  ],
  'a token of another session refused as revoked': [
    ['wrongly_revoked'],
    (h) =>
      h
        .revoke()
        .tryAgain(401, 'revoked', { ...TOKEN, sid: 's2' })
        .comeBack('0-0')
        .settle(),
  ],
  'a good revocation refused': [['revocation_refused'], (h) => h.revoke(400).settle()],
  'a stream that does not say where it begins': [
    ['headless', 'lost'],
    (h) => h.publish(1, 2).get(1, 2).client('c2').open({}, 'c2').event('2-0', 'e2', 'c2').settle(),
  ],
  'resumed from elsewhere': [
    ['bad_resume'],
    (h) => h.publish(1, 2).get(1, 2).cut().open({ resume: '1-0' }).settle(),
  ],
  'begun anew by a client that has an id': [
    ['bad_resume'],
    (h) => h.publish(1).get(1).cut().open({ head: '1-0' }).settle(),
  ],
  'not back at the end': [['absent'], (h) => h.publish(1).get(1).cut().settle()],
  'never there': [['absent'], (h) => h.client('c2').settle()],
};

describe('the checker', () => {
  for (const [name, scenario] of Object.entries(GOOD)) {
    it(`passes: ${name}`, () => assert.deepEqual(kinds(scenario(connected())), []));
  }

  for (const [name, [expected, scenario]] of Object.entries(BROKEN)) {
    it(`catches: ${name}`, () => {
      assert.deepEqual([...new Set(kinds(scenario(connected())))].toSorted(), expected.toSorted());
    });
  }

  it('names every gap where none may be told', () => {
    const history = connected()
      .publish(1, 2)
      .gap('0-0', null)
      .cut()
      .open({ resume: '0-0' })
      .gap('0-0', '2-0');
    assert.deepEqual(kinds(history.get(2).settle(), false), ['needless_gap', 'needless_gap']);
  });

  it('counts gaps where they may be told', () => {
    const history = connected().publish(1, 2).gap('0-0', null).settle();
    const { violations, counts } = check(history.entries, { gapsAllowed: true });
    assert.deepEqual([violations, counts.gaps, counts.events], [[], 1, 0]);
  });

  it('shows its evidence: the client, the ids, how many, and the entries', () => {
    const history = connected().publish(1, 2, 3, 4).get(1, 4);
    const [violation] = check(history.entries, { gapsAllowed: false }).violations;
    assert.deepEqual(violation, {
      kind: 'lost',
      client: 'c1',
      ids: ['2-0', '3-0'],
      count: 2,
      ref: 'e2',
      // What showed it, the acknowledgement of the first that is missing, and what came last before it.
      entries: [12, 6, 11],
    });
  });

  it('refuses a history in which a reference was used twice, since it proves nothing', () => {
    assert.throws(() => kinds(connected().send('e1').send('e1')), TypeError);
  });
});
