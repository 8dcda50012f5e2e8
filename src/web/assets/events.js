// Live regions. `data-events="/alerts/1/events"` on a container names a stream of Server-Sent
// Events; an event called `numbers` replaces the inside of the `data-region="numbers"` in it. The line
// marked `data-events-status` says whether the stream lives and when the last news came, because
// a board that stands still looks exactly like a board on which nothing happens.
import { parsePart } from '/assets/html.js';

const SILENT_AFTER_MS = 45_000;
const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

for (const container of document.querySelectorAll('[data-events]')) follow(container);

function follow(container) {
  const status = container.querySelector('[data-events-status]');
  let source;
  let heardAt = Date.now();
  let newsAt = Date.now();

  const say = (state) => {
    if (!status) return;
    status.dataset.state = state;
    const last = clock.format(newsAt);
    const text = {
      live: `Live, last news ${last}`,
      offline: `No network. Last known ${last}`,
      reconnecting: `Reconnecting. What you see is from ${last}`,
      ended: `Not live any more, this is from ${last}. Load the page again.`,
    }[state];
    if (status.textContent !== text) status.textContent = text;
  };

  const open = () => {
    source?.close();
    source = new EventSource(container.dataset.events);
    source.onopen = () => {
      heardAt = Date.now();
      say('live');
    };
    source.onerror = () => {
      // A closed stream was refused (signed out, gone); any other comes back by itself.
      if (source.readyState === EventSource.CLOSED) say('ended');
      else say(navigator.onLine ? 'reconnecting' : 'offline');
    };
    for (const region of container.querySelectorAll('[data-region]')) {
      source.addEventListener(region.dataset.region, (event) => {
        heardAt = newsAt = Date.now();
        replace(region, event.data);
        say('live');
      });
    }
    source.addEventListener('beat', () => {
      heardAt = Date.now();
    });
  };

  // After sleep or a change of network the browser may believe in a dead connection for minutes.
  const revive = () => {
    if (document.hidden || source.readyState === EventSource.CLOSED) return;
    if (Date.now() - heardAt > SILENT_AFTER_MS) {
      say('reconnecting');
      heardAt = Date.now();
      open();
    }
  };
  document.addEventListener('visibilitychange', revive);
  window.addEventListener('offline', () => say('offline'));
  // The connection of before is dead, though the browser may not know it yet.
  window.addEventListener('online', () => {
    if (source.readyState === EventSource.CLOSED) return say('ended');
    say('reconnecting');
    heardAt = Date.now();
    open();
  });
  setInterval(revive, 5_000);
  window.addEventListener('pagehide', () => source.close());
  window.addEventListener('pageshow', (event) => event.persisted && open());
  open();
}

// Keeps the keyboard where it was, and leaves a region alone while somebody types in it.
function replace(region, html) {
  const active = region.contains(document.activeElement) ? document.activeElement : undefined;
  if (active?.matches('input, select, textarea')) {
    active.addEventListener('blur', () => replace(region, html), { once: true });
    return;
  }
  const fresh = parsePart(html);
  if (isSame(region, fresh)) return;
  const opened = [...region.querySelectorAll('details[open][id]')].map(({ id }) => id);
  region.replaceChildren(fresh);
  for (const id of opened) document.getElementById(id)?.setAttribute('open', '');
  if (active?.id) document.getElementById(active.id)?.focus({ preventScroll: true });
}

// What the server drew again without a change stays: a screen reader would read it again.
function isSame(region, fresh) {
  const [old, next] = [region.childNodes, fresh.childNodes];
  return old.length === next.length && [...next].every((node, i) => node.isEqualNode(old[i]));
}
