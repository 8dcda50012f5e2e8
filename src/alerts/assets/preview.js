// Keeps the preview true while somebody types. Without this script "Save and check" shows the same.
const WAIT_MS = 400;

for (const form of document.querySelectorAll('form[data-preview]')) {
  const target = form.querySelector('[data-preview-target]');
  let timer;
  let running;

  const refresh = async () => {
    running?.abort();
    running = new AbortController();
    target.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(form.dataset.preview, {
        method: 'POST',
        body: new URLSearchParams(new FormData(form)),
        signal: running.signal,
      });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const opened = [...target.querySelectorAll('details[open][id]')].map(({ id }) => id);
      target.replaceChildren(...page.querySelector('#preview').childNodes);
      for (const id of opened) document.getElementById(id)?.setAttribute('open', '');
    } catch {
      // Gone or overtaken: the next keystroke asks again.
    } finally {
      target.removeAttribute('aria-busy');
    }
  };

  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, WAIT_MS);
  });
}
