// The navigation folds behind a button on a phone. Without this script all of it is shown.
const button = document.querySelector('[data-menu]');
if (button) {
  const list = document.getElementById(button.getAttribute('aria-controls'));
  button.hidden = false;
  list.classList.add('tocsin-nav__list--folds');
  button.addEventListener('click', () => {
    const open = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(open));
  });
}
