// Guards forms that post: one press is one request, and leaving with something unsaved asks first.
// `data-unsaved` on a form turns on the question; every posting form gets the double-press guard.
const AGAIN_AFTER_MS = 10_000;

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post') return;
  if (form.dataset.sentAt && Date.now() - Number(form.dataset.sentAt) < AGAIN_AFTER_MS) {
    event.preventDefault();
    return;
  }
  form.dataset.sentAt = String(Date.now());
  delete form.dataset.changed;
});

// Back from the page after: the browser may show this one as it was left, its guard still shut.
window.addEventListener('pageshow', () => {
  for (const form of document.forms) delete form.dataset.sentAt;
});

document.addEventListener('input', (event) => {
  const form = event.target.form;
  if (form && 'unsaved' in form.dataset) form.dataset.changed = 'yes';
});

window.addEventListener('beforeunload', (event) => {
  const changed = [...document.forms].some((form) => form.dataset.changed === 'yes');
  if (changed) event.preventDefault();
});
