// A proposed severity is one of the answers that it was made of: with other answers it goes.
// Without this script it stays until the next press, and the preview below follows the answers.
const proposal = document.querySelector('[data-proposal]');
for (const answer of document.querySelectorAll('#assessment select'))
  answer.addEventListener('change', () => proposal?.remove());
