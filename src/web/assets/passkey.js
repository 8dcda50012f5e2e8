// Forms that need a passkey: `data-passkey-options` names where to ask what to sign. What the device
// answers goes into the form as `passkey`; with `data-passkey-proof` it is posted there first, and
// the form goes after it as it is. Without this script such a form says what to do instead.
const WORDS = {
  old: 'This browser cannot use passkeys here. Take a current one.',
  place: 'Your device refuses passkeys at this address. Open Tocsin at its usual address.',
  stopped: 'Nothing was confirmed. Press again, and follow what your device says.',
  known: 'This device holds a passkey of yours for Tocsin already.',
  signedOut: 'You were signed out. Load the page again.',
  unreachable: 'Tocsin does not answer. Nothing was done; press again.',
};

/** An answer of ours in words for people. */
class Told extends Error {}

// Before any other listener: the guard against double presses must not count a form that waits.
document.addEventListener(
  'submit',
  (event) => {
    const form = event.target;
    if (!('passkeyOptions' in form.dataset) || 'passkeyDone' in form.dataset) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!('passkeyBusy' in form.dataset)) confirm(form, event.submitter);
  },
  true,
);

// Back from the page after: what was signed once is worth nothing again.
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-passkey-options]')) {
    delete form.dataset.passkeyDone;
    for (const name of ['passkey', 'ticket']) form.elements[name]?.remove();
  }
});

async function confirm(form, button) {
  form.dataset.passkeyBusy = 'yes';
  say(form, '');
  try {
    const { ticket, ...options } = await post(form.dataset.passkeyOptions, fieldsOf(form));
    const passkey = JSON.stringify(await sign(options));
    if ('passkeyProof' in form.dataset) {
      const fields = fieldsOf(form);
      fields.set('passkey', passkey);
      await post(form.dataset.passkeyProof, fields);
    } else {
      keep(form, 'passkey', passkey);
      if (ticket) keep(form, 'ticket', ticket);
    }
    form.dataset.passkeyDone = 'yes';
    form.requestSubmit(button);
  } catch (error) {
    say(form, wordsFor(error));
  } finally {
    delete form.dataset.passkeyBusy;
  }
}

function fieldsOf(form) {
  return new URLSearchParams(new FormData(form));
}

async function post(path, body) {
  const answer = await fetch(path, { method: 'POST', body });
  const isJson = answer.headers.get('content-type')?.startsWith('application/json');
  if (!isJson) throw new Told(answer.status === 401 ? WORDS.signedOut : WORDS.unreachable);
  const said = await answer.json();
  if (!answer.ok) throw new Told(said.message);
  return said;
}

async function sign({ create, get }) {
  const { PublicKeyCredential: able } = window;
  if (!able?.parseRequestOptionsFromJSON) throw new Told(WORDS.old);
  const credential = create
    ? await navigator.credentials.create({ publicKey: able.parseCreationOptionsFromJSON(create) })
    : await navigator.credentials.get({ publicKey: able.parseRequestOptionsFromJSON(get) });
  return credential.toJSON();
}

function keep(form, name, value) {
  const input = form.elements[name] ?? document.createElement('input');
  input.type = 'hidden';
  input.name = name;
  input.value = value;
  form.append(input);
}

function wordsFor(error) {
  if (error instanceof Told) return error.message;
  if (error.name === 'InvalidStateError') return WORDS.known;
  if (error.name === 'SecurityError') return WORDS.place;
  if (error.name === 'NotAllowedError' || error.name === 'AbortError') return WORDS.stopped;
  return error instanceof TypeError ? WORDS.unreachable : WORDS.old;
}

function say(form, words) {
  const status = form.querySelector('[data-passkey-status]');
  if (status) status.textContent = words;
}
