/** Changes in words: one line for what one person did to one contact at one time. Pure. */
import { dateTime } from '#web/index.ts';
import { weekWords } from './contacts/form-duty.ts';
import type { DutyHours } from './contacts/store-duty.ts';
import type { RunningAlert } from './context.ts';
import type { ContactRules } from './model.ts';
import { daysInWords } from './parents.ts';
import type { ChangeRow } from './store-history.ts';

export type HistoryLine = {
  readonly at: Date;
  readonly who: string;
  /** Whose: the name of the contact; empty for the organisation itself. */
  readonly subject: string;
  readonly contactId: string | null;
  readonly words: string;
  /** The number of the alert that was out meanwhile; null: none was. */
  readonly duringAlert: number | null;
};

export function historyLines(
  rows: readonly ChangeRow[],
  rules: ContactRules,
  alerts: readonly RunningAlert[] = [],
): HistoryLine[] {
  const together = Map.groupBy(rows, (row) =>
    [row.changedAt.getTime(), row.actorId, row.contactId, row.what === 'looked_up'].join(),
  );
  return [...together.values()]
    .map((group): HistoryLine => {
      const [first] = group as [ChangeRow, ...ChangeRow[]];
      return {
        at: first.changedAt,
        who: whoOf(first),
        subject: first.contactId === null ? '' : (first.contactName ?? 'A former contact'),
        contactId: first.contactName === null ? null : first.contactId,
        words: [
          ...new Set([
            ...linkWords(group),
            ...parentWords(group),
            ...group.flatMap((row) => wordsOf(row, rules)),
          ]),
        ].join('; '),
        duringAlert: isOfChain(group) ? alertAt(alerts, first.changedAt) : null,
      };
    })
    .filter(({ words }) => words !== '');
}

function whoOf({ actorName, actorKind, actorId }: ChangeRow): string {
  if (actorKind === 'contact') return `${actorName ?? 'a former contact'}, a contact`;
  if (actorName !== null) return actorName;
  if (actorKind === 'key') return 'a program';
  return /^[0-9a-f-]{36}$/.test(actorId) ? 'somebody' : `the system (${actorId})`;
}

/** What changes nobody's place in the chain: facts of the organisation, looks, and words. */
const besideTheChain = ['facts', 'domain', 'parent', 'looked_up', 'attested', 'left', 'cut_off'];

function isOfChain(group: readonly ChangeRow[]): boolean {
  return group.some(({ what }) => !besideTheChain.includes(what));
}

function alertAt(alerts: readonly RunningAlert[], at: Date): number | null {
  const running = alerts.find(({ from, until }) => from <= at && (until === null || at <= until));
  return running?.number ?? null;
}

const things = { text: 'mobile', mail: 'address', landline: 'landline' } as const;

/** An import takes all links off and puts them on again: what is on both sides is no change. */
function linkWords(group: readonly ChangeRow[]): string[] {
  const pointsOf = (what: ChangeRow['what']) =>
    new Map(
      group.filter((row) => row.what === what).flatMap(({ fields }) => Object.entries(fields)),
    );
  const [on, off] = [pointsOf('linked'), pointsOf('unlinked')];
  return (Object.keys(things) as (keyof typeof things)[]).flatMap((channel) => {
    const count = (points: Map<string, unknown>, others: Map<string, unknown>) =>
      [...points].filter(([id, of]) => of === channel && !others.has(id)).length;
    const [added, removed] = [count(on, off), count(off, on)];
    if (added + removed === 0) return [];
    if (added > 0 && removed > 0) return [`${things[channel]} changed`];
    return [`${things[channel]} ${added > 0 ? 'added' : 'taken off'}`];
  });
}

type ParentDays = readonly [parent: string, from: string | null, until: string | null];

/** What only got another last day went and came: it is told once. */
function parentWords(group: readonly ChangeRow[]): string[] {
  const of = (side: 'came' | 'went') =>
    group.flatMap(({ what, fields }) =>
      what === 'parent' ? ((fields[side] ?? []) as readonly ParentDays[]) : [],
    );
  const came = of('came');
  const gone = of('went').filter(([parent]) => !came.some(([other]) => other === parent));
  return [
    ...gone.map(([parent]) => `no more below ${parent}`),
    ...came.map(([parent, from, until]) => `below ${parent}${daysInWords({ from, until })}`),
  ];
}

function wordsOf({ what, fields }: ChangeRow, rules: ContactRules): string[] {
  switch (what) {
    case 'added':
      return ['added'];
    case 'looked_up':
      return ['saw whole numbers and addresses'];
    case 'hours':
      return [onDutyWords(fields['hours'])];
    case 'absence':
      return [absenceWords(fields)];
    case 'domain':
      return [
        `mail domain ${text(fields['domain'])} ${fields['isOwn'] ? 'is' : 'is not'} their own`,
      ];
    case 'cut_off':
      return [fields['lifted'] ? 'let back in' : 'cut off: its network is in foreign hands'];
    case 'merge':
      return [fields['undone'] ? 'merge undone' : 'merged with another contact'];
    case 'attested':
      return ['said that all of it is still right'];
    case 'left':
      return [fields['said'] === true ? 'said that they have left' : 'has not left'];
    case 'linked':
    case 'unlinked':
    case 'parent':
      return [];
    default:
      return Object.entries(fields).map(([field, told]) => fieldWords(field, told, rules));
  }
}

function onDutyWords(told: unknown): string {
  if (!Array.isArray(told)) return 'duty hours changed';
  const [was, now] = told as [DutyHours[], DutyHours[]];
  return `on duty ${weekWords(was)} → ${weekWords(now)}`;
}

function absenceWords(fields: ChangeRow['fields']): string {
  if (fields['ended'] !== undefined) return 'back again';
  const at = (name: string) => dateTime(new Date(text(fields[name])));
  const covered = fields['cover'] ? 'somebody stands in' : 'nobody stands in';
  return `away from ${at('from')} to ${at('until')}, ${covered}`;
}

const labels: Readonly<Record<string, string>> = {
  name: 'name',
  kind: 'kind',
  role: 'role',
  rank: 'rank',
  reader_kind: 'reader',
  language: 'language',
  short_name: 'name in texts',
  type: 'type',
  must_answer: 'must answer',
  region: 'region',
  system: 'system',
  address: 'address',
  telephone: 'switchboard',
  position: 'position',
  serves: 'serves',
  population: 'people served',
  population_on: 'counted on',
  opened_on: 'opened on',
  closed_on: 'last day',
};

function fieldWords(field: string, told: unknown, rules: ContactRules): string {
  const label = labels[field] ?? field;
  if (!Array.isArray(told)) return `${label} changed`;
  const [was, now] = told as [unknown, unknown];
  if (field === 'active') return now === true ? 'brought back' : 'has left';
  return `${label} ${valueOf(field, was, rules)} → ${valueOf(field, now, rules)}`;
}

function valueOf(field: string, value: unknown, rules: ContactRules): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') {
    if (field === 'kind') return value ? 'post' : 'person';
    return value ? 'yes' : 'no';
  }
  const key = text(value);
  const table = {
    role: rules.contactRoles,
    reader_kind: rules.readerKinds,
    type: rules.organisationTypes,
  };
  const entries = table[field as keyof typeof table] as
    | Readonly<Record<string, { readonly label: string }>>
    | undefined;
  return entries?.[key]?.label ?? key;
}

/** Fields are texts, numbers, yes or no. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
