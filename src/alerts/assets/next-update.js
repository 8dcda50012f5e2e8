// The next update follows the severity until somebody sets it: each severity promises another time.
// Without this script the server does so when the draft is saved, and says it.
const date = document.querySelector('#nextUpdateDate');
const time = document.querySelector('#nextUpdateTime');
const severities = [...document.querySelectorAll('[data-next-update]')];

let follows = severities.some(
  (one) => one.checked && one.dataset.nextUpdate === `${date.value}T${time.value}`,
);
for (const field of [date, time]) field.addEventListener('input', () => (follows = false));
for (const one of severities)
  one.addEventListener('change', () => {
    if (follows) [date.value, time.value] = one.dataset.nextUpdate.split('T');
  });
