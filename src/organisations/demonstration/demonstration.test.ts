import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demonstrationSector } from './demonstration.ts';
import type { ContactRules } from '../model.ts';
import { readContacts, readOrganisations, readWhole } from '../imports/parse.ts';

const label = (mustAnswer: boolean) => ({ label: '', mustAnswer });
const rules: ContactRules = {
  organisationTypes: {
    trust: label(true),
    board: label(true),
    practice: label(false),
    care_provider: label(false),
    supplier: label(false),
  },
  readerKinds: { technical: { label: 'Technical', chased: true } },
  contactRoles: {
    ciso: { label: '' },
    on_call_it: { label: '' },
    cio: { label: '' },
    siro: { label: '' },
    practice_manager: { label: '' },
  },
};

function sector(options: Parameters<typeof demonstrationSector>[0] = {}, under = rules) {
  const files = demonstrationSector(options);
  const organisations = readWhole(readOrganisations(Buffer.from(files.organisations), under));
  const contacts = readWhole(readContacts(Buffer.from(files.contacts), under));
  assert.ok(organisations.ok && contacts.ok);
  assert.deepEqual([organisations.value.refusedRows, contacts.value.refusedRows], [[], []]);
  return {
    organisations: organisations.value.rows.map(({ row }) => row),
    contacts: contacts.value.rows.map(({ row }) => row),
  };
}

const numbersOf = (contacts: ReturnType<typeof sector>['contacts']) =>
  contacts.flatMap(({ points }) => (points.text ?? []).map((point) => point.normalised));

test('the default sector has the numbers of the real one', () => {
  const { organisations, contacts } = sector();
  const must = organisations.filter(({ type }) => rules.organisationTypes[type]?.mustAnswer);
  assert.equal(organisations.length, 2000);
  assert.equal(must.length, 250);
  assert.equal(organisations[36]?.name, 'Northmoor Teaching Hospitals NHS Foundation Trust');
  assert.equal(new Set(organisations.map(({ regionCode }) => regionCode)).size, 7);
  assert.equal(new Set(organisations.map(({ systemCode }) => systemCode)).size, 36);
  const perMust = must.map(({ code }) => contacts.filter((c) => c.organisationCode === code));
  assert.ok(perMust.every((list) => list.map(({ rank }) => rank).join() === '1,2,3'));
});

test('under other rules it is told in their names, and no row is refused', () => {
  const others: ContactRules = {
    ...rules,
    organisationTypes: {
      municipality: { label: 'Municipality', mustAnswer: true },
      utility: { label: 'Utility', mustAnswer: true },
      company: { label: 'Company', mustAnswer: false },
    },
    contactRoles: { it_duty: { label: 'IT on duty' }, it_head: { label: 'Head of IT' } },
  };
  const { organisations, contacts } = sector({ rules: others }, others);
  const must = organisations.filter(({ type }) => others.organisationTypes[type]!.mustAnswer);
  assert.equal(must.length, 250);
  assert.equal(organisations[36]?.name, 'Northmoor Municipality');
  assert.equal(new Set(must.map(({ name }) => name)).size, 250);
  assert.ok(contacts.some(({ name, role }) => role === 'it_head' && name === 'Head of IT'));
});

test('numbers are for drama, without those that Notify treats differently; mail is .test', () => {
  const { organisations, contacts } = sector();
  const special = new Set(['000', '001', '002', '003', '111', '222']);
  for (const number of numbersOf(contacts)) {
    assert.match(number, /^447700900\d{3}$/);
    assert.doesNotMatch(number, /99\d$/, 'of the people of the centre');
    assert.equal(special.has(number.slice(-3)), false, number);
  }
  const addresses = contacts.flatMap(({ points }) => points.mail ?? []);
  assert.ok(addresses.every(({ normalised }) => normalised.endsWith('.test')));
  assert.ok(organisations.every(({ code }) => /^ZZ-\d{4}$/.test(code)));
});

test('some numbers are shared on purpose, some organisations have none', () => {
  const { organisations, contacts } = sector();
  const sharers = new Map<string, Set<string>>();
  for (const { organisationCode, points } of contacts) {
    for (const { normalised } of points.text ?? []) {
      sharers.set(normalised, (sharers.get(normalised) ?? new Set()).add(organisationCode));
    }
  }
  assert.equal(Math.max(...Array.from(sharers.values(), (codes) => codes.size)), 6);
  assert.equal(sharers.size, 984);
  const withText = new Set(
    contacts.filter(({ points }) => points.text?.length).map((c) => c.organisationCode),
  );
  const mute = organisations.slice(0, 250).filter(({ code }) => !withText.has(code));
  assert.equal(mute.length, 3);
});

test('the same seed gives the same files, another gives others', () => {
  assert.deepEqual(demonstrationSector({ seed: 7 }), demonstrationSector({ seed: 7 }));
  assert.notDeepEqual(demonstrationSector({ seed: 7 }), demonstrationSector({ seed: 8 }));
});

test('a sector for the bench is of any size', () => {
  const { organisations, contacts } = sector({
    mustAnswer: 300,
    organisations: 3000,
    contactsOfOthers: 4,
    mobiles: 'bench',
  });
  assert.equal(organisations.length, 3000);
  assert.equal(contacts.length, 300 * 3 + 2700 * 4);
  assert.ok(numbersOf(contacts).length > 10_000);
  assert.ok(numbersOf(contacts).every((number) => /^447700\d{6}$/.test(number)));
});
