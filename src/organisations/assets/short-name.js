// The name in texts as it is typed, with how many characters are left.
for (const box of document.querySelectorAll('[data-short-name]')) {
  const field = box.querySelector('input');
  const preview = box.querySelector('[data-preview]');
  const count = box.querySelector('[data-count]');
  const most = Number(box.dataset.most);
  const show = () => {
    if (field.value !== '') preview.textContent = field.value;
    const left = most - field.value.length;
    count.textContent = left < 0 ? `${-left} too many` : `${left} left`;
  };
  field.addEventListener('input', show);
  show();
}
