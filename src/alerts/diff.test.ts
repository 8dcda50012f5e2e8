import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffWords, withContext, type Part } from './diff.ts';

const marks = { same: '', gone: '-', new: '+' };

const drawn = (parts: readonly Part[]) =>
  parts.map(({ kind, text }) => `${marks[kind]}[${text.trim()}]`).join(' ');

const cases = [
  ['the same words', 'the same words', '[the same words]'],
  ['', 'all of it', '+[all of it]'],
  ['all of it', '', '-[all of it]'],
  [
    'Isolate Citrix now.',
    'Do NOT isolate Citrix.',
    '-[Isolate Citrix now.] +[Do NOT isolate Citrix.]',
  ],
  [
    'Isolate Citrix gateways now.',
    'Isolate all gateways now.',
    '[Isolate] -[Citrix] +[all] [gateways now.]',
  ],
  ['one two three four', 'zero one three four five', '+[zero] [one] -[two] [three four] +[five]'],
] as const;

for (const [before, after, wanted] of cases)
  test(`from “${before}” to “${after}”`, () => {
    assert.equal(drawn(diffWords(before, after)), wanted);
  });

test('of a long text only what stands near a change is kept', () => {
  const words = Array.from({ length: 60 }, (_, i) => `w${i}`);
  const parts = diffWords(words.join(' '), words.with(20, 'X').with(50, 'Y').join(' '));
  assert.equal(
    drawn(withContext(parts)),
    '[… w14 w15 w16 w17 w18 w19] -[w20] +[X] [w21 w22 w23 w24 w25 w26 … w44 w45 w46 w47 w48 w49] -[w50] +[Y] [w51 w52 w53 w54 w55 w56 w57 w58 w59]',
  );
  const short = diffWords('one two three', 'one two four');
  assert.deepEqual(withContext(short), short);
});

/** Texts of few words, so that many repeat, drawn by a fixed rule. */
function* texts(): Generator<string> {
  let state = 7;
  const next = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;
  for (let i = 0; i < 200; i++)
    yield Array.from({ length: next(12) }, () => ['a', 'bb', 'c.', 'D', '  e'][next(5)]).join(
      [' ', '\n', '\n\n'][next(3)],
    );
}

test('both texts come out of it whole, and nothing is said to change that stayed', () => {
  const all = [...texts()];
  all.forEach((before, i) => {
    const after = all[(i + 1) % all.length]!;
    const parts = diffWords(before, after);
    const but = (kind: Part['kind']) =>
      parts
        .filter((part) => part.kind !== kind)
        .map(({ text }) => text)
        .join('');
    const words = (text: string) => text.trim().split(/\s+/);
    assert.deepEqual(words(but('new')), words(before));
    assert.equal(but('gone').trim(), after.trim());
    assert.ok(parts.every(({ kind }, at) => kind !== parts[at - 1]?.kind));
  });
});

test('two long texts that share nothing take no time', () => {
  const [before, after] = ['a ', 'b '].map((word) => word.repeat(10_000));
  const startedAt = performance.now();
  assert.deepEqual(
    diffWords(before!, after!).map(({ kind }) => kind),
    ['gone', 'new'],
  );
  assert.ok(performance.now() - startedAt < 3_000);
});
