// The browser prints, or makes a PDF of it.
for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => globalThis.print());
}
