// A file at work: what the page says of it is fetched again each second, and the page itself once
// it is over. Without script the page loads itself anew.
import { parsePage } from '/assets/html.js';

const LOOK_MS = 1000;

async function look() {
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!response.ok) throw new Error(String(response.status));
    const fresh = parsePage(await response.text());
    const now = fresh.querySelector('[data-progress]');
    const shown = document.querySelector('[data-progress]');
    if (
      now === null ||
      fresh.querySelector('h1').textContent !== document.querySelector('h1').textContent
    ) {
      location.reload();
      return;
    }
    const [bar, said] = [shown.querySelector('progress'), shown.querySelector('[role=status]')];
    bar.value = now.querySelector('progress').value;
    const text = now.querySelector('[role=status]').textContent;
    if (said.textContent !== text) said.textContent = text;
  } catch {
    // The server may be away for a moment.
  }
  setTimeout(look, LOOK_MS);
}

setTimeout(look, LOOK_MS);
