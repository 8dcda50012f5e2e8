import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  decideReply,
  readReply,
  takeTurns,
  type OpenMessage,
  type ReplyMeaning,
  type Sender,
} from './model.ts';

const read: readonly (readonly [string, ReplyMeaning])[] = [
  ['4821', { codes: ['4821'], says: 'got_it' }],
  [' 4821. ', { codes: ['4821'], says: 'got_it' }],
  ['4821=got it', { codes: ['4821'], says: 'got_it' }],
  ['Got it 4821', { codes: ['4821'], says: 'got_it' }],
  ['4821 YES', { codes: ['4821'], says: 'yes' }],
  ['4821 yes (affected)', { codes: ['4821'], says: 'affected' }],
  ['4821 No', { codes: ['4821'], says: 'not_affected' }],
  ['4821 HELP', { codes: ['4821'], says: 'help' }],
  ['4821 help=call me', { codes: ['4821'], says: 'help' }],
  ['4821 HELP our servers are down!!', { codes: ['4821'], says: 'help' }],
  ['HELP', { codes: [], says: 'help' }],
  ['ok', { codes: [], says: 'got_it' }],
  ['ok got it', { codes: [], says: 'got_it' }],
  ['Ok, received. Thank you!', { codes: [], says: 'got_it' }],
  ['ok but not got it', { codes: [], says: 'unclear' }],
  ['OK thanks', { codes: [], says: 'got_it' }],
  ['👍', { codes: [], says: 'got_it' }],
  ['Yes', { codes: [], says: 'yes' }],
  ['Check', { codes: [], says: 'check' }],
  ['4821 CHECK', { codes: ['4821'], says: 'check' }],
  ['Is this genuine?', { codes: [], says: 'check' }],
  ['check the roof', { codes: [], says: 'unclear' }],
  ['STOP', { codes: [], says: 'stop' }],
  ['4821 but which gateways?', { codes: ['4821'], says: 'unclear' }],
  ['who is this', { codes: [], says: 'unclear' }],
  ['', { codes: [], says: 'unclear' }],
  ['I’m driving – sent from my car', { codes: [], says: 'automatic' }],
  ["I'm driving right now", { codes: [], says: 'automatic' }],
  ['Liked “NHS CYBER 4901 HIGH, Northmoor: … Reply 4821=got it”', { codes: [], says: 'automatic' }],
  ['Automatic reply: out of office until 4821', { codes: [], says: 'automatic' }],
  ['07700900201', { codes: [], says: 'unclear' }],
  ['48 21', { codes: ['4821'], says: 'got_it' }],
  ['Reply 4821', { codes: ['4821'], says: 'got_it' }],
  ['Reply 4821=got it', { codes: ['4821'], says: 'got_it' }],
  ['4901 4821 ok', { codes: ['4901', '4821'], says: 'got_it' }],
  ['We patched in 2024. 4821', { codes: ['2024', '4821'], says: 'unclear' }],
  ['Yes got it', { codes: [], says: 'got_it' }],
  ['yep, noted', { codes: [], says: 'got_it' }],
  ['Thx', { codes: [], says: 'got_it' }],
  ['Roger', { codes: [], says: 'got_it' }],
  ['👍🏽', { codes: [], says: 'got_it' }],
  ['4821 got it, we are not affected', { codes: ['4821'], says: 'not_affected' }],
  ['OK - we’re affected', { codes: [], says: 'affected' }],
  ['4821 please call us asap', { codes: ['4821'], says: 'help' }],
  ['4821 no help needed', { codes: ['4821'], says: 'unclear' }],
  ['Please stop', { codes: [], says: 'stop' }],
  ['Is this text legit?', { codes: [], says: 'check' }],
  ['Emphasised “… Reply 4821=got it, 4821 HELP=call me”', { codes: [], says: 'automatic' }],
  ['👍 to “… Reply 4821=got it, 4821 HELP=call me”', { codes: [], says: 'automatic' }],
  ['Removed a like from “… 4821 HELP=call me”', { codes: [], says: 'automatic' }],
  [
    '(I’m not receiving notifications. If this is urgent, reply “urgent” to send a notification through with your original message.)',
    { codes: [], says: 'automatic' },
  ],
  ['I’ll call you later', { codes: [], says: 'automatic' }],
];

describe('reading a reply', () => {
  for (const [text, meaning] of read)
    it(JSON.stringify(text), () => assert.deepEqual(readReply(text), meaning));
});

const message = (alertId: string, code: string): OpenMessage => ({
  alertId,
  alertNumber: 4901,
  exercise: false,
  isLive: true,
  closedAt: null,
  dispatchId: `dispatch of ${alertId}`,
  code,
  organisationIds: ['organisation'],
  sentAt: new Date('2026-11-23T03:02:00Z'),
  answeredAt: null,
});
const one = [message('a', '4821')];
const two = [message('b', '7313'), message('a', '4821')];

describe('deciding over a reply', () => {
  const decide = (text: string, open: readonly OpenMessage[], sender: Sender = 'contact') =>
    decideReply(readReply(text), open, sender);

  it('a code says which alert, whichever is newest', () => {
    const decision = decide('4821', two);
    assert.equal(decision.kind === 'answer' && decision.message.alertId, 'a');
    assert.equal(decision.kind === 'answer' && decision.evidence, 'text_with_code');
  });

  it('plain words count in the weaker class while one alert is open', () => {
    for (const words of ['ok', 'ok got it']) {
      const decision = decide(words, one);
      assert.equal(decision.kind === 'answer' && decision.evidence, 'text_without_code', words);
    }
  });

  it('a mere yes is got it, until the answer to it has asked whether they are affected', () => {
    const [first] = one as [OpenMessage];
    const after = (answeredAt: Date | null) => [{ ...first, answeredAt }];
    const answerTo = (text: string, open: readonly OpenMessage[]) => {
      const decision = decide(text, open);
      return decision.kind === 'answer' && decision.answer;
    };
    for (const text of ['yes', 'Y']) {
      assert.equal(answerTo(text, one), 'got_it', text);
      assert.equal(answerTo(text, after(new Date('2026-11-23T03:12:00Z'))), 'affected', text);
      const corrected = after(new Date('2026-11-23T03:01:00Z'));
      assert.equal(answerTo(text, corrected), 'got_it', 'a correction went after the answer');
    }
    for (const text of ['4821 YES', 'yes affected'])
      assert.equal(answerTo(text, one), 'affected', text);
  });

  it('the number of the alert names it, in the weaker class, also where two are open', () => {
    const open = [{ ...message('b', '7313'), alertNumber: 4902 }, message('a', '4821')];
    for (const words of ['4901', '4901 got it', '4901 HELP']) {
      const decision = decide(words, open);
      assert.ok(decision.kind === 'answer', words);
      assert.deepEqual([decision.message.alertId, decision.evidence], ['a', 'text_without_code']);
    }
    assert.deepEqual(decide('4902 check', open), { kind: 'check', message: open[0] });
    const both = decide('4901 4821', open);
    assert.equal(both.kind === 'answer' && both.evidence, 'text_with_code', 'and its code');
  });

  it('of two codes one is answered, and a person reads the text', () => {
    const decision = decide('4821 7313 got it', two);
    assert.ok(decision.kind === 'answer' && decision.alsoToDesk);
    const words = decide('We patched in 2024. 4821', one);
    assert.equal(words.kind === 'answer' && words.evidence, 'text_with_code');
  });

  it('with two alerts open, what names none goes to a person, with both to choose from', () => {
    for (const words of ['ok', 'which gateways?', '1111']) {
      const decision = decide(words, two);
      assert.deepEqual(decision.kind === 'desk' && decision.between, two, words);
    }
    const open = [{ ...message('b', '7313'), alertNumber: 4902 }, message('a', '4821')];
    const named = decide('4901 which gateways?', open);
    assert.deepEqual(named.kind === 'desk' && named.between, []);
  });

  it('two texts of one alert with two codes are one alert', () => {
    const shared = [message('a', '7313'), message('a', '4821')];
    const decision = decide('ok', shared);
    assert.equal(decision.kind === 'answer' && decision.message.code, '7313');
  });

  it('a call for help is never held up by doubt about the alert', () => {
    const decision = decide('help', two);
    assert.equal(decision.kind === 'answer' && decision.answer, 'help');
  });

  it('a code that was never issued to this number acknowledges nothing', () => {
    assert.deepEqual(decide('1111', one), {
      kind: 'desk',
      item: 'wrong_code',
      message: one[0],
      between: one,
    });
    const words = decide('since 2024 we have no Citrix', one);
    assert.equal(words.kind === 'desk' && words.item, 'not_understood');
  });

  it('a doubt is answered, of the alert that is meant, and never an answer', () => {
    assert.deepEqual(decide('CHECK', two), { kind: 'check', message: two[0] });
    assert.deepEqual(decide('4821 check', two), { kind: 'check', message: two[1] });
    assert.deepEqual(decide('1111 check', two), { kind: 'check', message: undefined });
    assert.deepEqual(decide('is this real?', []), { kind: 'check', message: undefined });
    const stranger = decide('CHECK', [], 'stranger');
    assert.equal(stranger.kind === 'desk' && stranger.item, 'unknown_sender');
  });

  it('the right code with unclear words counts, and a person reads the words', () => {
    const decision = decide('4821 but which gateways?', one);
    assert.ok(decision.kind === 'answer' && decision.alsoToDesk);
  });

  it('an automatic answer is no answer', () => {
    assert.deepEqual(decide("I'm driving", one), { kind: 'ignore' });
  });

  it('a stranger and STOP go to a person', () => {
    assert.equal(decide('4821', one, 'stranger').kind, 'desk');
    const stop = decide('STOP', one);
    assert.equal(stop.kind === 'desk' && stop.item, 'stop');
  });

  it('ok to the end of an alert bothers nobody; while another is live, a person decides', () => {
    const at = (minute: string) => new Date(`2026-11-23T03:${minute}:00Z`);
    const over = { ...message('b', '7313'), isLive: false, closedAt: at('40') };
    assert.deepEqual(decide('ok thanks', [over]), { kind: 'ignore' });
    const live = message('a', '4821');
    const asked = { kind: 'desk', item: 'not_understood', message: live, between: [live] };
    for (const words of ['ok thanks', 'yes', 'no', 'not affected'])
      assert.deepEqual(decide(words, [live, over]), asked, words);
    assert.equal(decide('yes', [over]).kind, 'desk', 'it asks whether they are still affected');
    const told = { ...message('a', '4821'), sentAt: at('41') };
    assert.equal(decide('ok', [told, over]).kind, 'answer', 'the last text was of this one');
    assert.equal(decide('help', [message('a', '4821'), over]).kind, 'answer');
    assert.equal(decide('4821', [message('a', '4821'), over]).kind, 'answer');
  });

  it('without a live alert everything goes to a person', () => {
    assert.equal(decide('ok', []).kind, 'desk');
  });
});

describe('turns', () => {
  it('keep all, no name twice in one, and who shares a name in the order they came', () => {
    const names = ['a', 'b', 'c', 'd'];
    const item = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(item), (all) => {
        const items = all.map((own, at) => ({ own, at }));
        const turns = takeTurns(items, ({ own }) => own);
        assert.deepEqual(new Set(turns.flat()), new Set(items));
        for (const turn of turns) {
          const all = turn.flatMap(({ own }) => own);
          assert.equal(new Set(all).size, all.length);
        }
        for (const name of names) {
          const came = turns.flat().filter(({ own }) => own.includes(name));
          assert.deepEqual(
            came,
            came.toSorted((one, other) => one.at - other.at),
          );
        }
      }),
    );
    assert.equal(takeTurns([['a'], ['b'], ['c']], (own) => own).length, 1);
  });
});
