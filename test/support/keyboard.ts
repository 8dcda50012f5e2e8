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
 * Notes of each element that the keyboard comes to whether it shows that. Noted in the page: asking
 * after each key is most of what a walk costs.
 */
const WATCH = `(() => {
  const shows = (style) => style.boxShadow !== 'none' ||
    (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0);
  addEventListener('focusin', ({ target: one }) => {
    const mine = one.type === 'radio'
      ? document.querySelector('[data-wanted][name="' + one.name + '"]') ?? one
      : one;
    if (!mine.hasAttribute('data-wanted')) return;
    mine.removeAttribute('data-wanted');
    const label = one.type === 'radio' || one.type === 'checkbox' ? one.nextElementSibling : null;
    const isSeen = shows(getComputedStyle(one)) ||
      (label !== null && shows(getComputedStyle(label, '::before')));
    if (!isSeen) one.setAttribute('data-unseen', '');
  });
})()`;

const listOf = (attribute: string) =>
  `[...document.querySelectorAll('[${attribute}]')].map((one) => one.outerHTML.slice(0, 120))`;

/** Of fields with several parts, together. */
const PARTS_MAX = 40;

const PRESSED_AT_ONCE = 20;

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
  await page.evaluate(WATCH);
  let missed: string[] = [];
  for (let pressed = 0; pressed < wanted + PARTS_MAX; pressed += PRESSED_AT_ONCE) {
    for (let i = 0; i < PRESSED_AT_ONCE; i += 1) await page.keyboard.press('Tab');
    missed = await page.evaluate<string[]>(listOf('data-wanted'));
    if (missed.length === 0) break;
  }
  const unseen = await page.evaluate<string[]>(listOf('data-unseen'));
  assert.deepEqual(unseen, [], 'unseen with the keyboard');
  assert.deepEqual(missed, [], 'out of reach of the keyboard');
}
