/**
 * A contact at its own details against the real program: the code comes to its phone, and a killed
 * server forgets no session and sends no code twice.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { PageClient } from '../support/page-client.ts';
import { prepareGround, startProgram, type Ground, type Program } from '../support/program.ts';
import { until } from '../support/dispatch.ts';

const NUMBER = '07700 900987';

let ground: Ground | undefined;
let program: Program | undefined;

after(async () => {
  await program?.stop();
  ground?.remove();
});

test('a code comes to the phone, opens the details, and the session outlives a kill', async () => {
  ground = await prepareGround();
  program = await startProgram(ground);
  const contactId = await addContact(program.address);
  const contact = new PageClient(program.address);
  await contact.get('/your-details');
  await contact.submit('Send me a code', { address: NUMBER });
  const [code] = await until(codes, (found) => found.length > 0, 20_000);
  // The made-up numbers are few, and this one has other owners too.
  const who = await contact.submit('Go on', { code: code! });
  const [kit] = who.elements('input').filter(({ attribs }) => attribs['value'] === contactId);
  assert.ok(kit !== undefined, who.text);
  const home = await contact.submit('Go on', { contact: contactId });
  assert.match(home.text, /Kit Rowan/);
  await contact.submit('Still right');
  await program.kill();
  program = await startProgram(ground);
  const again = await contact.get('/your-details');
  assert.match(again.text, /Kit Rowan.*Last said/);
  assert.deepEqual(await codes(), [code]);
});

/** The codes on the contact's phone, as its owner reads them. */
async function codes(): Promise<string[]> {
  const phone = await fetch(
    `${program!.phonesAddress}/${NUMBER.replace('0', '44').replaceAll(' ', '')}`,
  );
  const words = await phone.text();
  return [...new Set(Array.from(words.matchAll(/\b(\d{6}) is your code/g), (match) => match[1]!))];
}

/** Its id. */
async function addContact(address: string): Promise<string> {
  const officer = new PageClient(address);
  await officer.get('/sign-in');
  await officer.submit('Continue as Amara Osei');
  await officer.get('/organisations?text=trust');
  const [first] = officer.page
    .elements('a')
    .map((link) => link.attribs['href'] ?? '')
    .filter((href) => /^\/organisations\/[0-9a-f-]{36}$/.test(href));
  await officer.get(`${first}/contacts/new`);
  await officer.submit('Add', { name: 'Kit Rowan', mobile: NUMBER, role: 'ciso', rank: '9' });
  await officer.click('Kit Rowan');
  return officer.page.path.split('/').at(-1)!;
}
