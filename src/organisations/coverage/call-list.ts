/** A list to ring by, with whole numbers: making one is an entry of the audit. */
import { may, regionsOf } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { open } from '#kernel/sealed.ts';
import { parsePhoneNumber, spacedNumber } from '#kernel/phone-number.ts';
import type { Tx } from '#db/database.ts';
import { csvFile } from '#web/index.ts';
import { record } from '#audit/index.ts';
import type { AsAt } from '../as-at.ts';
import { sealingContext, type DirectorySecrets } from '../imports/actions.ts';
import { telephoneLink } from '../form-organisation.ts';
import type { AudienceQuestion, DirectoryRules } from '../model.ts';
import { lookAhead } from '../successions/ahead.ts';
import { listCallRows, listHoldersOf, type CallRow } from './store-call-list.ts';

/** What is read in pages: more is no list to ring by. */
export const ORGANISATIONS_MAX = 2000;

export type CallList = {
  readonly regions: readonly {
    readonly name: string;
    readonly organisations: readonly CallOrganisation[];
  }[];
  readonly organisations: number;
  readonly contacts: number;
};

export type CallOrganisation = {
  readonly code: string;
  readonly name: string;
  readonly telephone: Dialled | null;
  readonly isCutOff: boolean;
  readonly contacts: readonly CallContact[];
};

export type CallContact = {
  readonly rank: number;
  readonly name: string;
  readonly isPost: boolean;
  readonly roleLabel: string;
  readonly mobiles: readonly Dialled[];
  readonly landlines: readonly Dialled[];
};

/** A number as people write it, and as a phone dials it. */
export type Dialled = { readonly text: string; readonly href: string };

export async function makeCallList(
  tx: Tx,
  list: {
    readonly id: string;
    readonly question: AudienceQuestion;
    readonly format: 'page' | 'csv';
    /** A day to come: as it will be then. Undefined: today. */
    readonly asAt: AsAt | undefined;
  },
  { rules, secrets }: { rules: DirectoryRules; secrets: DirectorySecrets },
): Promise<Outcome<CallList>> {
  if (!may(tx.actor, 'response.record')) {
    return refused('forbidden', 'Your role may not see whole numbers.');
  }
  const day = list.asAt?.day;
  const found = await lookAhead(tx, list.asAt, () =>
    listCallRows(tx, list.question, {
      day,
      regionCodes: regionsOf(tx.actor, 'response.record'),
      organisationsMax: ORGANISATIONS_MAX + 1,
    }),
  );
  if (!found.ok) return found;
  const rows = found.value;
  const organisations = Map.groupBy(rows, (row) => row.organisationId);
  if (organisations.size === 0) return refused('invalid', 'No organisation fits.', { '': NOBODY });
  if (organisations.size > ORGANISATIONS_MAX) {
    const why = `More than ${ORGANISATIONS_MAX} organisations fit. Narrow the list, by region for example.`;
    return refused('invalid', why, { '': why });
  }
  const contactIds = rows.flatMap((row) => row.contactId ?? []);
  await record(tx, {
    action: 'call_list.made',
    subject: { kind: 'call_list', id: list.id },
    detail: {
      format: list.format,
      organisations: organisations.size,
      ...(day === undefined
        ? { contacts: contactIds }
        : // Who has them then is not all on file yet: whose numbers they are, is.
          { asAt: day, contacts: await listHoldersOf(tx, pointsOf(rows)) }),
    },
  });
  const regions = Map.groupBy(
    organisations.values(),
    ([first]) => first!.regionName ?? 'No region',
  );
  return ok({
    regions: Array.from(regions, ([name, members]) => ({
      name,
      organisations: members.map((member) => organisationOf(member, rules, secrets)),
    })),
    organisations: organisations.size,
    contacts: contactIds.length,
  });
}

function pointsOf(rows: readonly CallRow[]): string[] {
  return rows.flatMap(({ points }) => points.map(({ contactPointId }) => contactPointId));
}

const NOBODY = 'No organisation fits. Choose fewer conditions';

function organisationOf(
  rows: readonly CallRow[],
  rules: DirectoryRules,
  secrets: DirectorySecrets,
): CallOrganisation {
  const { code, organisationName: name, telephone, isCutOff } = rows[0]!;
  const contacts = rows.filter(({ contactId }) => contactId !== null);
  return {
    code,
    name,
    telephone: telephone === null ? null : shownToRing(spacedNumber(telephone)),
    isCutOff,
    contacts: contacts.map((row) => ({
      rank: row.rank!,
      name: row.contactName!,
      isPost: row.isPost!,
      roleLabel: rules.contactRoles[row.role!]?.label ?? row.role!,
      mobiles: numbersOf(row, 'text', secrets),
      landlines: numbersOf(row, 'landline', secrets),
    })),
  };
}

function numbersOf(
  { points }: CallRow,
  channel: 'text' | 'landline',
  { openingKeys }: DirectorySecrets,
): Dialled[] {
  return points
    .filter((point) => point.channel === channel)
    .map(({ contactPointId, sealed }) => {
      const bytes = Buffer.from(sealed, 'base64');
      return shownToRing(nationalNumber(open(openingKeys, sealingContext(contactPointId), bytes)));
    });
}

function shownToRing(text: string): Dialled {
  return { text, href: telephoneLink(text) };
}

/** As people write it; the directory keeps it without a plus. */
export function nationalNumber(normalised: string): string {
  const number = parsePhoneNumber(`+${normalised}`);
  return number.ok ? number.value.national : `+${normalised}`;
}

/** The same as a file. */
export function callListCsv({ regions }: CallList): string {
  const rows = regions.flatMap(({ name: region, organisations }) =>
    organisations.flatMap(({ code, name, telephone, contacts }) => {
      const organisation = [region, code, name, telephone?.text ?? ''];
      if (contacts.length === 0) return [[...organisation, '', '', '', '', '']];
      return contacts.map((contact) => [
        ...organisation,
        String(contact.rank),
        contact.name,
        contact.roleLabel,
        wordsOf(contact.mobiles),
        wordsOf(contact.landlines),
      ]);
    }),
  );
  const header = 'region,organisation_code,organisation,switchboard,rank,name,role,mobile,landline';
  return csvFile([header.split(','), ...rows]);
}

function wordsOf(numbers: readonly Dialled[]): string {
  return numbers.map(({ text }) => text).join(' / ');
}
