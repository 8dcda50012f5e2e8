// A file that is too large is told before it travels; the server looks again.
for (const input of document.querySelectorAll('input[type="file"][data-bytes-max]')) {
  input.addEventListener('change', () => {
    const isTooLarge = [...input.files].some((file) => file.size > Number(input.dataset.bytesMax));
    input.setCustomValidity(isTooLarge ? input.dataset.tooLarge : '');
    input.reportValidity();
  });
}
