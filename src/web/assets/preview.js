// Keeps the preview true while somebody types, and says so in words where it cannot: a preview that
// stands still looks exactly like one that is right. Without this script "Save and check" shows the
// same.
import { parsePage } from '/assets/html.js';

const WAIT_MS = 400;
const ANSWER_WITHIN_MS = 15_000;
const AGAIN_AFTER_MS = 5_000;

for (const form of document.querySelectorAll('form[data-preview]')) keep(form);

function keep(form) {
  const target = form.querySelector('[data-preview-target]');
  const status = form.querySelector('[data-preview-status]');
  let timer;
  let running;
  let isStale = false;
  let isLeaving = false;

  const askAfter = (waitMs) => {
    clearTimeout(timer);
    timer = setTimeout(refresh, waitMs);
  };

  const say = (trouble) => {
    isStale = trouble !== undefined;
    if (status.dataset.trouble === trouble) return;
    if (isStale) status.dataset.trouble = trouble;
    else delete status.dataset.trouble;
    status.hidden = !isStale;
    for (const words of status.children) words.hidden = words.dataset.when !== trouble;
  };

  const refresh = async () => {
    running?.abort();
    const attempt = new AbortController();
    running = attempt;
    target.setAttribute('aria-busy', 'true');
    const limit = setTimeout(() => attempt.abort(), ANSWER_WITHIN_MS);
    const trouble = await ask(form, target, attempt.signal);
    clearTimeout(limit);
    // Overtaken by the next keystroke, or the form is on its way and the page with it.
    if (running !== attempt || isLeaving) return;
    target.removeAttribute('aria-busy');
    say(trouble);
    if (isStale) askAfter(AGAIN_AFTER_MS);
  };

  form.addEventListener('input', () => askAfter(WAIT_MS));
  // Back from the other tab, or back on the network: the first moment at which it may work again.
  const retry = () => isStale && !document.hidden && askAfter(0);
  window.addEventListener('focus', retry);
  window.addEventListener('online', retry);
  document.addEventListener('visibilitychange', retry);
  window.addEventListener('pagehide', () => (isLeaving = true));
  window.addEventListener('pageshow', () => (isLeaving = false));
}

// Fills the preview; or says why not, by the name of the words in the template.
async function ask(form, target, signal) {
  try {
    const answer = await fetch(form.dataset.preview, {
      method: 'POST',
      body: new URLSearchParams(new FormData(form)),
      signal,
    });
    if (answer.status === 401) return 'signed-out';
    if (answer.status === 403) return 'forbidden';
    const page = parsePage(await answer.text());
    const fresh = page.querySelector('#preview');
    if (!answer.ok || !fresh) return 'fault';
    const opened = [...target.querySelectorAll('details[open][id]')].map(({ id }) => id);
    signal.throwIfAborted();
    target.replaceChildren(...fresh.childNodes);
    for (const id of opened) document.getElementById(id)?.setAttribute('open', '');
    return undefined;
  } catch {
    return 'unreachable';
  }
}
