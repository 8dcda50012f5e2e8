/** Changing and adding an organisation by hand. Verbs; each leaves an entry. */
import { may } from '#kernel/actor.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import type { DirectoryRules, OrganisationRow } from './model.ts';
import type { StoredOrganisation } from './imports/plan-organisations.ts';
import { dayAfter } from './successions/succession.ts';
import { listAudiencesLeft } from './audiences/losses.ts';
import { deriveShortName } from './short-name.ts';
import { IMPORT_RUNS } from './contacts/contacts.ts';
import { keepImportsOut } from './contacts/store-contacts.ts';
import { saveDomain } from './contacts/store-domains.ts';
import {
  findFacts,
  findShortNameHolder,
  insertFacts,
  updateFacts,
  type OrganisationFacts,
} from './store-facts.ts';
import { insertChange } from './store-history.ts';
import { listShortNames } from './imports/store-import.ts';

/** Names of the facts that became different; none where they all stood so before. */
export async function changeFacts(
  tx: Tx,
  change: { readonly id: string; readonly version: string; readonly row: OrganisationRow },
  rules: DirectoryRules,
): Promise<Outcome<readonly string[]>> {
  const barred = await barredFrom(tx);
  if (barred) return barred;
  const before = await findFacts(tx, change.id);
  if (before === undefined) return refused('not_found', 'There is no such organisation.');
  const next = await factsOf(tx, change.row, { id: change.id, before, rules });
  if (!next.ok) return next;
  const { id, version } = change;
  const fields = changedFields(before, next.value);
  if (fields.length === 0) return ok([]);
  if ((await updateFacts(tx, { ...next.value, id, version })) === 0) {
    const why = 'Somebody changed this organisation after you opened it. Look at it once more.';
    return refused('conflict', why, { '': why });
  }
  await record(tx, {
    action: 'organisation.changed',
    subject: { kind: 'organisation', id },
    detail: { fields },
  });
  return ok(fields);
}

/**
 * Saved audiences that lose the organisation by these facts: today, and where another last day is
 * said on the day after it. Nothing is changed; refused as `changeFacts` refuses.
 */
export async function listAudiencesLeftBy(
  tx: Tx,
  change: { readonly id: string; readonly version: string; readonly row: OrganisationRow },
  { rules, today }: { readonly rules: DirectoryRules; readonly today: string },
): Promise<Outcome<readonly { readonly id: string; readonly name: string }[]>> {
  const { closedOn } = change.row;
  const days = [today, ...(closedOn && closedOn >= today ? [dayAfter(closedOn)] : [])];
  return await listAudiencesLeft(tx, { organisationId: change.id, days }, () =>
    changeFacts(tx, change, rules),
  );
}

export async function addOrganisation(
  tx: Tx,
  { id, row }: { readonly id: string; readonly row: OrganisationRow },
  rules: DirectoryRules,
): Promise<Outcome<string>> {
  const barred = await barredFrom(tx);
  if (barred) return barred;
  const posted = await findFacts(tx, id);
  if (posted?.code === row.code) return ok(id);
  const facts = await factsOf(tx, row, { id, rules });
  if (!facts.ok) return facts;
  if ((await insertFacts(tx, { ...facts.value, id })) === 0) {
    const why = 'There is an organisation with this code already';
    return refused('invalid', why, { code: why });
  }
  await record(tx, { action: 'organisation.added', subject: { kind: 'organisation', id } });
  return ok(id);
}

type Known = {
  readonly id: string;
  readonly before?: OrganisationFacts;
  readonly rules: DirectoryRules;
};

async function factsOf(
  tx: Tx,
  row: OrganisationRow,
  { id, before, rules }: Known,
): Promise<Outcome<StoredOrganisation>> {
  const name = await shortNameFor(tx, row, id, before);
  if (!name.ok) return name;
  const { code, type } = row;
  return ok({
    code,
    name: row.name,
    ...name.value,
    type,
    regionCode: row.regionCode ?? null,
    systemCode: row.systemCode ?? null,
    mustAnswer: row.mustAnswer ?? rules.organisationTypes[type]?.mustAnswer ?? false,
    addressLines: row.addressLines ?? [],
    postcode: row.postcode ?? null,
    telephone: row.telephone ?? null,
    latitude: row.latitude ?? null,
    longitude: row.longitude ?? null,
    serves: row.serves ?? null,
    population: row.population ?? null,
    populationOn: row.populationOn ?? null,
    openedOn: row.openedOn ?? null,
    closedOn: row.closedOn ?? null,
  });
}

/** Of two organisations that texts call alike nobody knows which is meant. */
async function shortNameFor(
  tx: Tx,
  row: OrganisationRow,
  id: string,
  before: OrganisationFacts | undefined,
): Promise<Outcome<Pick<StoredOrganisation, 'shortName' | 'shortNameChosen'>>> {
  const { shortName } = row;
  if (shortName !== undefined) {
    const holder = await findShortNameHolder(tx, shortName, id);
    if (holder === undefined) {
      const isKept = before?.shortName === shortName;
      return ok({ shortName, shortNameChosen: isKept ? before.shortNameChosen : true });
    }
    const why = `Texts call ${holder} so already`;
    return refused('invalid', why, { short_name: why });
  }
  const names = await listShortNames(tx);
  const taken = new Map(names.map((one) => [one.shortName.toLowerCase(), one.code]));
  const isTaken = (name: string) => (taken.get(name.toLowerCase()) ?? row.code) !== row.code;
  return ok({ shortName: deriveShortName(row, isTaken), shortNameChosen: false });
}

/** Whether mail to a domain stays on the organisation's own network, and so fails with it. */
export async function setMailDomain(
  tx: Tx,
  change: { readonly organisationId: string; readonly domain: string; readonly isOwn: boolean },
): Promise<Outcome<string>> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  const { organisationId, isOwn } = change;
  const domain = change.domain.trim().replace(/^@/, '').toLowerCase();
  if (!/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(domain)) {
    const why = 'Write a domain such as northmoor.example';
    return refused('invalid', why, { domain: why });
  }
  if ((await findFacts(tx, organisationId)) === undefined) {
    return refused('not_found', 'There is no such organisation.');
  }
  if ((await saveDomain(tx, organisationId, { domain, isOwn })) === 0) return ok(domain);
  const fields = { domain, isOwn };
  await insertChange(tx, { organisationId, contactId: null, what: 'domain', fields });
  await record(tx, {
    action: 'organisation.domain_set',
    subject: { kind: 'organisation', id: organisationId },
    detail: fields,
  });
  return ok(domain);
}

function changedFields(before: StoredOrganisation, after: StoredOrganisation): string[] {
  return (Object.keys(after) as (keyof StoredOrganisation)[]).filter(
    (field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
}

/** Who may not change the directory, or not just now; undefined for everybody else. */
export async function barredFrom(tx: Tx): Promise<Refused | undefined> {
  if (!may(tx.actor, 'directory.write')) return notAllowed;
  if (await keepImportsOut(tx)) return undefined;
  return refused('unavailable', IMPORT_RUNS);
}

const notAllowed = refused('forbidden', 'Your role may not change the directory.');
