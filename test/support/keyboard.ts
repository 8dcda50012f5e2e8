/** A page by keyboard alone. */
import assert from 'node:assert/strict';
import type { BrowserPage } from './browser.ts';

/** What can be reached by Tab: of radios with one name it is one. */
const MARK = `(() => {
  const groups = new Set();
  const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')];
  const wanted = all.filter((one) => {
    if (one.disabled || one.type === 'hidden' || !one.checkVisibility({ visibilityProperty: true }))
      return false;
    // For nobody: what the Enter key presses in a form with several buttons.
    if (one.ariaHidden === 'true' && one.tabIndex < 0) return false;
    if (one.type !== 'radio') return true;
    const group = one.form?.action + one.name;
    if (groups.has(group)) return false;
    groups.add(group);
    return true;
  });
  for (const one of wanted) one.setAttribute('data-wanted', '');
  return wanted.length;
})()`;

/**
 * The element that has the keyboard: whether it shows that, and whether all were there. A field for
 * a date or a time has the keyboard several times, part by part.
 */
const STEP = `(() => {
  const one = document.activeElement;
  if (one === null || one === document.body) return 'end';
  const mine = one.type === 'radio'
    ? document.querySelector('[data-wanted][name="' + one.name + '"]') ?? one
    : one;
  if (!mine.hasAttribute('data-wanted')) return 'again';
  mine.removeAttribute('data-wanted');
  const shows = (style) => style.boxShadow !== 'none' ||
    (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0);
  const label = one.type === 'radio' || one.type === 'checkbox' ? one.nextElementSibling : null;
  const isSeen = shows(getComputedStyle(one)) ||
    (label !== null && shows(getComputedStyle(label, '::before')));
  if (!isSeen) return 'unseen ' + one.outerHTML.slice(0, 120);
  return document.querySelector('[data-wanted]') === null ? 'end' : 'seen';
})()`;

/** Of fields with several parts, together. */
const PARTS_MAX = 40;

/** By Tab alone everything that can be used is reached, and shows that it has the keyboard. */
export async function assertKeyboard(page: BrowserPage): Promise<void> {
  // From the top: after a refusal the summary of errors has the keyboard.
  await page.evaluate(`(() => {
    const top = document.createElement('span');
    top.tabIndex = -1;
    document.body.prepend(top);
    top.focus();
  })()`);
  const wanted = await page.evaluate<number>(MARK);
  for (let i = 0; i < wanted + PARTS_MAX; i += 1) {
    await page.keyboard.press('Tab');
    const step = await page.evaluate<string>(STEP);
    if (step === 'end') break;
    assert.doesNotMatch(step, /^unseen/);
  }
  const missed = await page.evaluate<string[]>(
    `[...document.querySelectorAll('[data-wanted]')].map((one) => one.outerHTML.slice(0, 120))`,
  );
  assert.deepEqual(missed, [], 'out of reach of the keyboard');
}
