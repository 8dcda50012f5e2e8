// Saves the draft while somebody types, each time on top of the revision that was saved last. Where
// somebody else saved meanwhile it stops, and shows both beside each other. Without this script the
// buttons do the same.
import { parsePage } from '/assets/html.js';

const WAIT_MS = 2_500;
const ANSWER_WITHIN_MS = 15_000;
const AGAIN_AFTER_MS = 8_000;

const form = document.querySelector('form[data-autosave]');
const status = document.querySelector('[data-autosave-status]');
const place = document.querySelector('[data-autosave-conflict]');

let timer;
let running;
let isStopped = false;
/** What was typed since the save that is on its way, or since the last one. */
let isDirty = false;

const say = (words, isTrouble = false) => {
  status.textContent = words;
  status.classList.toggle('tocsin-autosave--trouble', isTrouble);
};

const saveAfter = (waitMs) => {
  clearTimeout(timer);
  if (!isStopped) timer = setTimeout(save, waitMs);
};

// A form that was only opened and looked through makes no draft; a word in any field does.
const isBlank = () =>
  new URL(form.action).pathname.startsWith('/alerts/new') &&
  [...form.querySelectorAll('input:not([type]), input[type="text"], textarea')].every(
    ({ value }) => value.trim() === '',
  );

async function save() {
  if (running || isStopped || !isDirty || isBlank()) return;
  isDirty = false;
  running = post();
  await running;
  running = undefined;
  if (isDirty) saveAfter(WAIT_MS);
}

async function post() {
  const fields = new URLSearchParams(new FormData(form));
  fields.set('next', 'autosave');
  // An audience is saved by a decision, not under half a name.
  fields.delete('audienceName');
  try {
    const answer = await fetch(form.action, {
      method: 'POST',
      body: fields,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const page = parsePage(await answer.text());
    if (answer.ok) return saved(page.querySelector('[data-saved]'));
    if (answer.status === 409) return conflict(page.querySelector('[data-conflict]'));
    isDirty = true;
    if (answer.status === 422) {
      const why = page.querySelector('.nhsuk-error-summary__list')?.textContent.trim();
      // Typing on may put it right: only the next word tries again.
      clearTimeout(timer);
      isDirty = false;
      return say(
        `Not saved yet: ${why?.replaceAll(/\s*\n\s*/g, '; ') ?? 'look at the fields'}`,
        true,
      );
    }
    failed(answer.status === 401 ? 'you are signed out' : 'Tocsin cannot answer at the moment');
  } catch {
    failed('no connection');
  }
}

function saved(mark) {
  form.elements.revision.value = mark.dataset.revision;
  form.action = mark.dataset.address;
  history.replaceState(history.state, '', mark.dataset.address);
  if (!isDirty) delete form.dataset.changed;
  say(mark.textContent);
}

function conflict(shown) {
  isStopped = true;
  form.elements.revision.value = shown.dataset.conflict;
  place.replaceChildren(document.importNode(shown, true));
  say('Not saved: somebody saved meanwhile. Look above the form', true);
  place.firstElementChild.focus();
}

function failed(why) {
  isDirty = true;
  say(`Not saved: ${why}. What you typed stays here`, true);
  saveAfter(AGAIN_AFTER_MS);
}

if (form) {
  form.addEventListener('input', () => {
    isDirty = true;
    saveAfter(WAIT_MS);
  });
  // Not while a save is on its way: it would be refused as somebody else's.
  form.addEventListener('submit', (event) => {
    isStopped = true;
    clearTimeout(timer);
    if (!running) return;
    event.preventDefault();
    event.stopPropagation();
    running.then(() => form.requestSubmit(event.submitter));
  });
  window.addEventListener('online', () => isDirty && saveAfter(0));
  document.addEventListener('visibilitychange', () => document.hidden && saveAfter(0));
}
