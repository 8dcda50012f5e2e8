// Redraws the handsets when texts arrive. Without this script the page works by reloading.
const WAIT_MS = 400;
const area = document.getElementById('handsets');
const news = document.getElementById('news');
const arrived = new Set();
let timer = null;
let isDrawing = false;
let isStale = false;

const events = new EventSource('/phones/events');
events.addEventListener('changed', (event) => {
  for (const number of JSON.parse(event.data)) arrived.add(number);
  drawIn(WAIT_MS);
});
// What came before the stream stood, or while it was broken, was told to nobody.
events.addEventListener('open', () => drawIn(0));
// A page put away and brought back may have missed some.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) drawIn(0);
});
// Screens go dark again by themselves.
setInterval(() => {
  if (document.querySelector('.handset--lit') !== null) drawIn(0);
}, 5_000);

function drawIn(ms) {
  timer ??= setTimeout(redraw, ms);
}

async function redraw() {
  timer = null;
  // The page that is on its way may be older than the news.
  if (isDrawing) {
    isStale = true;
    return;
  }
  isDrawing = true;
  const numbers = new Set(arrived);
  arrived.clear();
  try {
    const response = await fetch(location.pathname + location.search);
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    draw(page, numbers);
  } catch {
    // The simulator is away; the next event draws again.
  } finally {
    isDrawing = false;
    if (isStale) drawIn(0);
    isStale = false;
  }
}

function draw(page, numbers) {
  const counts = document.getElementById('counts');
  counts?.replaceWith(page.getElementById('counts'));
  const typed = new Map();
  for (const box of area.querySelectorAll('.reply__box')) {
    if (box.value !== '') typed.set(box.id, box.value);
  }
  const focused = area.contains(document.activeElement) ? document.activeElement : null;
  const isBusy = typed.size > 0 || focused !== null;
  // Someone is writing: cards change where they stand, so that none moves from under the hand.
  if (isBusy) drawInPlace(page);
  else area.replaceChildren(...page.getElementById('handsets').childNodes);
  for (const [id, value] of typed) {
    const box = document.getElementById(id);
    if (box !== null) box.value = value;
  }
  restoreFocus(focused);
  ring(numbers);
}

function drawInPlace(page) {
  for (const card of area.querySelectorAll('.handset')) {
    const fresh = page.getElementById(card.id);
    if (fresh !== null) card.replaceWith(fresh);
  }
}

function restoreFocus(focused) {
  if (focused === null) return;
  const again = focused.id === '' ? null : document.getElementById(focused.id);
  if (again === null) return;
  again.focus({ preventScroll: true });
  if (typeof focused.selectionStart === 'number') {
    again.setSelectionRange(focused.selectionStart, focused.selectionEnd);
  }
}

function ring(numbers) {
  let count = 0;
  for (const card of area.querySelectorAll('.handset--lit')) {
    if (!numbers.has(card.dataset.number)) continue;
    card.classList.add('handset--arrived');
    count += 1;
  }
  if (count > 0) news.textContent = count === 1 ? 'News on one phone' : `News on ${count} phones`;
}
