// Keeps “14 min ago” and “due in 3 min” true while a page stays open. The words are those of
// src/web/times.ts; a test compares the two.
const MINUTE = 60_000;

export function duration(milliseconds) {
  const minutes = Math.floor(Math.abs(milliseconds) / MINUTE);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} days`;
}

export function words(kind, at, now) {
  const left = at - now;
  if (kind === 'ago') return -left < MINUTE ? 'just now' : `${duration(left)} ago`;
  if (Math.abs(left) < MINUTE) return 'due now';
  return left > 0 ? `due in ${duration(left)}` : `overdue by ${duration(left)}`;
}

function refresh() {
  for (const element of document.querySelectorAll('time[data-time]')) {
    const text = words(element.dataset.time, Date.parse(element.dateTime), Date.now());
    if (element.textContent !== text) element.textContent = text;
  }
}

if (typeof document !== 'undefined') {
  setInterval(refresh, 10_000);
  document.addEventListener('visibilitychange', refresh);
}
