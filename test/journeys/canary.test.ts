/**
 * Secrets stay in (P12): numbers, addresses, words, tokens and keys are planted in the real program
 * and go through all that people do with them; then everything that leaves it is searched.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { openDatabase } from '#db/database.ts';
import { readFileKeys } from '#db/data-folder.ts';
import { findRunningPostgres } from '#db/embedded-postgres.ts';
import { openKeyring } from '#sealing/index.ts';
import {
  asSuperuser,
  dump,
  filesOf,
  findCanaries,
  findKeys,
  type Sink,
} from '../support/canaries.ts';
import { must } from '../support/centre.ts';
import { until } from '../support/dispatch.ts';
import { PageClient } from '../support/page-client.ts';
import {
  prepareGround,
  runCommand,
  startProgram,
  type Ground,
  type Program,
} from '../support/program.ts';

/** Digits without a prefix: 0, 44 and +44 all stand before them somewhere. */
const canaries: Record<string, string> = {
  'number of a contact': '7700900989',
  'number in a bad row': '7700900988',
  'mail address of a contact': 'lantern.canary@petrel.test',
  'mail address in a bad row': 'broken.canary@petrel.test',
  'words of a reply': 'zephyr quagga',
  'password of a gateway': 'okapi-marmalade-4711',
};
const keys: Record<string, Buffer> = {};
const sinks: Sink[] = [];

let ground: Ground;
let program: Program | undefined;

before(async () => {
  ground = await prepareGround();
  mkdirSync(path.dirname(ground.folder), { recursive: true });
});

after(async () => {
  await program?.stop();
  ground?.remove();
});

function environment(): Record<string, string> {
  return { TOCSIN_DATA_DIR: ground.folder, PORT: String(ground.port) };
}

/** Runs a command and keeps what it printed, but for the secret that it prints once on purpose. */
async function run(args: readonly string[], secret?: (out: string) => [string, string]) {
  const { code, out, err } = await runCommand(args, environment());
  assert.notEqual(code, null, args.join(' '));
  let printed = out + err;
  if (secret !== undefined) {
    const [name, value] = secret(out);
    canaries[name] = value;
    printed = printed.replaceAll(value, '');
  }
  sinks.push({ name: `output of ${args.slice(0, 2).join(' ')}`, content: printed });
  return { code, out };
}

function besides(name: string, content: string): string {
  const file = path.join(path.dirname(ground.folder), name);
  writeFileSync(file, content);
  return file;
}

async function start(): Promise<Program> {
  program = await startProgram(ground);
  return program;
}

/** Keeps what a start wrote, without the link that it prints on purpose. */
function keepWritten(which: string, one: Program): void {
  const token = /sign-in\/link\/(\S+)/.exec(one.printed)![1]!;
  sinks.push({ name: `what ${which} wrote`, content: one.written().replaceAll(token, '') });
  canaries[`link of ${which}`] = token;
}

async function signIn(link: string): Promise<PageClient> {
  const client = new PageClient(program!.address);
  await client.get(link);
  await client.submit('Sign in');
  return client;
}

test('they are planted: a contact, a bad row, a gateway, a key, an alert, a reply', async () => {
  const first = await start();
  const link = /(\/sign-in\/link\/\S+)/.exec(first.printed)![1]!;
  const officer = await signIn(link);
  canaries['session of an officer'] = officer.cookie('tocsin')!;
  await importContacts(officer);
  await addGatewayAndKey();
  await sendAndAnswer(officer);
  await askForOwnDetails();
});

async function importContacts(officer: PageClient): Promise<void> {
  await officer.get('/organisations/import?kind=contacts');
  const code = await codeOfFirst(officer);
  const row = (name: string, mobile: string, mail: string, role = 'ciso') =>
    `${code},${name},person,${role},1,${mobile},${mail}\n`;
  const number = `0${canaries['number of a contact']}`;
  const bad = `0${canaries['number in a bad row']}`;
  const content =
    'organisation_code,name,kind,role,rank,mobile,email\n' +
    row('Kit Rowan', number, canaries['mail address of a contact']!) +
    row('Bo Unknown', bad, canaries['mail address in a bad row']!, 'no_such_role') +
    row('Cy Wrong', `${bad}99999`, `${canaries['mail address in a bad row']}@@`);
  const files = { file: { name: 'contacts.csv', content } };
  await officer.get('/organisations/import?kind=contacts');
  const { path: address } = await officer.submit('Check the file', {}, { files });
  const checked = () => officer.get(address);
  await until(checked, ({ heading }) => heading === 'Check before you import', 30_000);
  await officer.submit('Import the 1 good row');
  await until(checked, ({ heading }) => heading === 'Imported', 30_000);
  // The same by command: its report is read at a terminal, and kept by whoever runs it.
  const { code: exit } = await run(['import', 'contacts', besides('contacts.csv', content)]);
  assert.equal(exit, 1, 'rows were refused');
}

async function codeOfFirst(officer: PageClient): Promise<string> {
  const { text } = await officer.get('/organisations?type=trust');
  return /\bZZ-\w+/.exec(text)![0];
}

async function addGatewayAndKey(): Promise<void> {
  const password = canaries['password of a gateway'];
  const settings = { url: `smtps://tocsin:${password}@relay.test`, from: 'a@relay.test' };
  const file = besides('relay.json', JSON.stringify(settings));
  await run(['gateway', 'add', 'relay', '--kind', 'smtp', '--channel', 'mail', '--settings', file]);
  await run(['gateway', 'token', 'notify', '--json'], (out) => [
    'token of callbacks',
    (JSON.parse(out) as { token: string }).token,
  ]);
  await run(['api-key', 'create', '--name', 'Trial', '--may', 'alert.read', '--json'], (out) => [
    'key of a program',
    (JSON.parse(out) as { secret: string }).secret,
  ]);
  await run(['sign-in-link', '--email', 'priya.raman@centre.test', '--json'], (out) => [
    'sign-in link',
    /sign-in\/link\/([\w-]+)/.exec(out)![1]!,
  ]);
  await run(['gateway', 'list']);
  await run(['api-key', 'list']);
}

async function control<T>(way: string, body?: object): Promise<T> {
  const answer = await fetch(new URL(`/_control/${way}`, program!.phonesAddress), {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  });
  assert.ok(answer.ok, way);
  return (await answer.json()) as T;
}

/** An alert by two people, a text to the planted number, and what its owner texts back. */
async function sendAndAnswer(officer: PageClient): Promise<void> {
  await officer.get('/alerts/new');
  const check = await officer.submit('/alerts/new', {
    title: 'Ransomware through Citrix gateways',
    severity: 'critical',
    what: 'ransomware via Citrix',
    doNow: 'Isolate Citrix gateways now.',
    next: 'check',
  });
  await officer.submit('Submit for approval');
  const approver = new PageClient(program!.address);
  await approver.get('/sign-in');
  await approver.submit('Continue as Tom Lindqvist');
  canaries['session of an approver'] = approver.cookie('tocsin')!;
  await approver.get(check.path);
  await approver.submit('Approve and send now');
  const number = `44${canaries['number of a contact']}`;
  const arrived = await until(
    async () => JSON.stringify(await control(`texts?number=${number}`)),
    (texts) => /\d{4}=got it/.test(texts),
    60_000,
  );
  sinks.push({ name: 'texts to the contact', content: arrived.replaceAll(number, '') });
  const code = /(\d{4})=got it/.exec(arrived)![1]!;
  const text = `${code} HELP ${canaries['words of a reply']}`;
  await control('reply', { number, text });
  await until(
    () => approver.get(`${check.path}/board`),
    ({ text: all }) => /help/i.test(all),
    30_000,
  );
}

/** A code to the phone of the planted contact, and the session that it opens. */
async function askForOwnDetails(): Promise<void> {
  const contact = new PageClient(program!.address);
  const number = `0${canaries['number of a contact']}`;
  await contact.get('/your-details');
  await contact.submit('Send me a code', { address: number });
  const phone = `${program!.phonesAddress}/44${canaries['number of a contact']}`;
  const found = await until(
    async () => /\b(\d{6}) is your code/.exec(await (await fetch(phone)).text()),
    (code) => code !== null,
    20_000,
  );
  const who = await contact.submit('Go on', { code: found![1]! });
  // Made-up numbers are few: this one may have another owner too, and either will do.
  const owner = who.elements('input').find(({ attribs }) => attribs['name'] === 'contact');
  if (owner !== undefined) await contact.submit('Go on', { contact: owner.attribs['value']! });
  const cookie = contact.cookie('tocsin-contact');
  assert.ok(cookie !== undefined, contact.page.text);
  canaries['session of a contact'] = cookie;
}

/** What strangers and broken programs send: values in every part of a request. */
test('errors of every kind are provoked with them', async () => {
  const at = program!.address;
  const number = `0${canaries['number of a contact']}`;
  const mail = canaries['mail address of a contact']!;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const json = { 'content-type': 'application/json' };
  const own = { origin: at, 'sec-fetch-site': 'same-origin' };
  const form = { ...own, 'content-type': 'application/x-www-form-urlencoded' };
  const receipt = JSON.stringify({ id: number, to: number, status: 'nonsense', reference: mail });
  const token = canaries['token of callbacks']!;
  const asked: readonly (readonly [string, RequestInit, number])[] = [
    [`/${number}/${mail}`, {}, 404],
    [`/alerts/${number}`, {}, 303],
    [`/sign-in/link/${canaries['sign-in link']!.slice(0, -4)}zzzz`, {}, 409],
    ['/sign-in', { method: 'POST', body: `person=${number}`, headers: form }, 404],
    ['/sign-in', { method: 'POST', body: `person=${number}` }, 403],
    ['/callbacks/notify/receipts', { method: 'POST', body: receipt, headers: json }, 401],
    [
      '/callbacks/notify/receipts',
      { method: 'POST', body: receipt, headers: { ...json, ...bearer(`${token}x`) } },
      403,
    ],
    [
      '/callbacks/notify/receipts',
      { method: 'POST', body: receipt, headers: { ...json, ...bearer(token) } },
      400,
    ],
    [
      '/callbacks/notify/texts',
      {
        method: 'POST',
        body: `{"source_number":"${number}",`,
        headers: { ...json, ...bearer(token) },
      },
      400,
    ],
    [`/api/v1/alerts?after=${mail}`, { headers: bearer(`${canaries['key of a program']}x`) }, 401],
    [`/api/v1/alerts?after=${mail}`, { headers: bearer(canaries['key of a program']!) }, 422],
    [
      '/api/v1/organisations',
      {
        method: 'POST',
        body: number,
        headers: { ...json, ...bearer(canaries['key of a program']!) },
      },
      400,
    ],
    ['/sign-in', { method: 'POST', body: number.repeat(200_000), headers: form }, 413],
  ];
  const wrong: string[] = [];
  for (const [way, options, status] of asked) {
    const answer = await fetch(`${at}${way}`, { redirect: 'manual', ...options });
    const name = `answer ${answer.status} to ${options.method ?? 'GET'} ${way.slice(0, 20)}`;
    if (answer.status !== status) wrong.push(`${name}, not ${status}`);
    const head = [...answer.headers].map(([key, value]) => `${key}: ${value}`).join('\n');
    // Where a visitor goes back to after signing in is their own address.
    const content = `${head}\n${await answer.text()}`.replaceAll(encodeURIComponent(way), '');
    sinks.push({ name, content: content.replaceAll(way, '') });
  }
  assert.deepEqual(wrong, []);
});

test('the program is killed, starts again, exchanges its keys and tells of itself', async () => {
  await keepMails();
  await keepMetrics('the first run');
  await program!.kill();
  keepWritten('the first run', program!);
  await start();
  await keepKeys('first');
  const rotated = await run(['keys', 'rotate', '--by', 'priya.raman@centre.test']);
  assert.match(rotated.out, /New keys are in use, and \d[\d,]+ values were sealed anew/);
  await run(['keys', 'status', '--json']);
  await keepKeys('second');
  for (const args of [['doctor'], ['dispatch', 'list'], ['contacts', 'list', 'ZZ-R001']])
    await run(args);
  await run(['audit', 'export']);
  await keepMetrics('the second run');
});

async function keepMetrics(which: string): Promise<void> {
  const content = await (await fetch(`${program!.address}/metrics`)).text();
  assert.match(content, /tocsin_/);
  sinks.push({ name: `metrics of ${which}`, content });
}

async function keepKeys(which: string): Promise<void> {
  const fileKeys = must(readFileKeys(ground.folder));
  for (const { id, key } of fileKeys) keys[`file key ${id}`] = Buffer.from(key, 'base64');
  const { configFor } = (await findRunningPostgres({ path: ground.folder }))!;
  const owner = openDatabase(configFor('tocsin_owner'), { connectionsMax: 1 });
  const keyring = must(await openKeyring(owner, fileKeys));
  await owner.end();
  keys['blind index key'] = keyring.blindIndexKey;
  for (const purpose of ['personal', 'credential'] as const)
    keys[`${which} ${purpose} key`] = keyring.keysOf(purpose).current.key;
}

async function keepMails(): Promise<void> {
  const { mails } = await control<{ mails: object[] }>('mail');
  assert.ok(mails.length > 0, 'mails were sent');
  const own = canaries['mail address of a contact']!;
  const content = mails.map((mail) => {
    const words = JSON.stringify(mail);
    // Its own mail names whom it is for.
    return JSON.stringify({ ...mail, raw: '' }).includes(`"${own}"`)
      ? words.replaceAll(own, '')
      : words;
  });
  sinks.push({ name: 'mails that were sent', content: content.join('\n') });
}

/** In a dump and in the files of the database numbers are hashes and seals. */
test('none of them stands in a log, a figure, an answer, a mail, an export, a dump or a file', async () => {
  const dumped = await dump(ground.folder);
  const rows = dumped.find(({ name }) => name === 'dispatch.message')!;
  assert.ok(rows.content.length > 10_000, 'the dump holds the messages');
  await program!.stop();
  keepWritten('the second run', program!);
  // The file of keys, and what phones and mailboxes of the demonstration keep, which is their own.
  const files = filesOf(ground.folder, (file) => !/^secrets\.json$|^simulator/.test(file));
  assert.ok(
    files.some(({ name }) => /pg_wal/.test(name)) &&
      files.some(({ name }) => name.endsWith('.log')),
  );
  const all = [...sinks, ...dumped, ...files];
  assert.deepEqual([...findCanaries(canaries, all), ...findKeys(keys, all)], []);
});

test('one that was planted is found, and where', async () => {
  await start();
  const number = `44${canaries['number of a contact']}`;
  await asSuperuser(ground.folder, async (client) => {
    await client.query(`update organisations.region set name = $1 where code = 'ZZ-R1'`, [number]);
    await client.query(`update dispatch.gateway set template_body = $1 where id = 'relay'`, [
      Buffer.from(`password=${canaries['password of a gateway']}`).toString('base64'),
    ]);
    await client.query(`update kernel.sealing_key set wrapped = $1 where purpose = 'blind_index'`, [
      keys['blind index key'],
    ]);
  });
  const dumped = await dump(ground.folder);
  const found = [...findCanaries(canaries, dumped), ...findKeys(keys, dumped)];
  assert.deepEqual(found.toSorted(), [
    'blind index key in kernel.sealing_key',
    'number of a contact in organisations.region',
    'password of a gateway in dispatch.gateway',
  ]);
});
