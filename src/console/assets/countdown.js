// Counts the seconds of a recall window beside the time that is written there. Without script the
// time alone says it.
function refresh() {
  for (const element of document.querySelectorAll('[data-countdown]')) {
    const seconds = Math.ceil((Date.parse(element.dataset.countdown) - Date.now()) / 1000);
    element.textContent = seconds > 0 ? `, in ${seconds} s` : ', now';
  }
}

refresh();
setInterval(refresh, 500);
