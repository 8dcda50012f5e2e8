/** One person in every slice that may hold something on them: gathered, and erased. */
import {
  eraseEntryDetail,
  listEntriesNaming,
  record,
  refuseOnHold,
  type NamingEntry,
} from '#audit/index.ts';
import type { Tx } from '#db/database.ts';
import {
  countSubjectUnderWay,
  eraseSubjectMessages,
  listSubjectMessages,
  listSubjectReplies,
} from '#dispatch/index.ts';
import {
  listSubjectAccounts,
  listSubjectInvitations,
  type SubjectAccount,
  type SubjectInvitation,
} from '#identity/index.ts';
import type { Actor } from '#kernel/actor.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { blindIndex } from '#kernel/sealed.ts';
import {
  deleteSubject,
  endContact,
  listSubjectContacts,
  listSubjectPoints,
  readSubjectHistory,
  type DirectorySecrets,
  type SubjectContact,
  type SubjectPoint,
} from '#organisations/index.ts';
import { eraseSubjectNotes, readSubjectAnswers } from '#responses/index.ts';

/** Who is meant, and who answers for it. */
export type Asked = {
  readonly officer: Actor;
  readonly name: string | undefined;
  /** As stored: digits, or an address in lower case. */
  readonly number: string | undefined;
  readonly address: string | undefined;
};

export type SubjectSeals = {
  readonly directory: Pick<DirectorySecrets, 'blindIndexKey'>;
  readonly openAddress: (contactPointId: string, sealed: Buffer) => string;
  readonly sealAddress: (contactPointId: string, normalised: string) => Buffer;
  readonly openReply: (replyId: string, sealed: Buffer) => string;
};

type Held = SubjectPoint & { readonly address: string };

export type Subject = {
  readonly contacts: readonly SubjectContact[];
  readonly points: readonly Held[];
  readonly history: Awaited<ReturnType<typeof readSubjectHistory>>;
  readonly messages: Awaited<ReturnType<typeof listSubjectMessages>>;
  readonly replies: readonly { readonly receivedAt: Date; readonly content: string }[];
  readonly answers: Awaited<ReturnType<typeof readSubjectAnswers>>;
  /** Who signs in and acts here with one of these addresses. */
  readonly accounts: readonly Omit<SubjectAccount, 'phoneIndex'>[];
  readonly invitations: readonly SubjectInvitation[];
  readonly entries: readonly NamingEntry[];
};

/** All that is held; refused where nobody fits, or several who need not be one person. */
export async function findSubject(
  tx: Tx,
  asked: Asked,
  seals: SubjectSeals,
): Promise<Outcome<Subject>> {
  const contacts = await listSubjectContacts(tx, {
    name: asked.name,
    addressIndexes: indexesOf(asked, seals),
  });
  const alone = contacts.length === 0 ? await listAccountsOf(tx, asked, seals) : [];
  const invited = contacts.length === 0 ? await listInvitationsOf(tx, asked, alone) : [];
  if (contacts.length + alone.length + invited.length === 0)
    return refused('not_found', 'Nobody on file fits. Nothing is held under that, or no more.');
  const several = severalOf(contacts, asked) ?? severalAccounts(alone);
  if (several !== undefined) return several;
  const ids = contacts.map(({ id }) => id);
  const points = (await listSubjectPoints(tx, ids)).map((point) => ({
    ...point,
    address: seals.openAddress(point.id, point.addressSealed),
  }));
  // What came from, or went to, a number of several people is not one's alone.
  const own = points.filter(({ shared }) => !shared);
  const pointIds = own.map(({ id }) => id);
  const names = namesOf(contacts);
  const emails = own.filter(({ channel }) => channel === 'mail').map(({ address }) => address);
  const signingIn = [...alone];
  for (const email of emails) signingIn.push(...(await listSubjectAccounts(tx, { email })));
  const replies = await listSubjectReplies(tx, [
    ...own.map(({ addressIndex }) => addressIndex),
    ...signingIn.flatMap(({ phoneIndex }) => phoneIndex ?? []),
  ]);
  const accounts = signingIn.map(({ phoneIndex: _phoneIndex, ...account }) => account);
  return ok({
    contacts,
    points,
    history: await readSubjectHistory(tx, ids),
    // What wakes somebody who signs in is addressed by their id.
    messages: await listSubjectMessages(tx, [...pointIds, ...accounts.map(({ id }) => id)]),
    replies: replies.map(({ id, contentSealed, receivedAt }) => ({
      receivedAt,
      content: seals.openReply(id, contentSealed),
    })),
    answers: await readSubjectAnswers(tx, { contactPointIds: pointIds, names }),
    accounts,
    invitations: [...invited, ...(await listSubjectInvitations(tx, emails))],
    entries: await listEntriesNaming(tx, {
      ids: [...ids, ...pointIds, ...accounts.map(({ id }) => id)],
      names,
    }),
  });
}

/** By which words of others are about them; that of a post is a word that others use too. */
function namesOf(contacts: readonly SubjectContact[]): string[] {
  return contacts.filter(({ isPost }) => !isPost).map(({ name }) => name);
}

/** Who is no contact, and signs in here: people of the centre, and those who keep contacts. */
async function listAccountsOf(
  tx: Tx,
  { name, number, address }: Asked,
  { directory }: SubjectSeals,
): Promise<SubjectAccount[]> {
  return await listSubjectAccounts(tx, {
    name: name ?? null,
    email: address ?? null,
    phoneIndex: number === undefined ? null : blindIndex(directory.blindIndexKey, 'text', number),
  });
}

async function listInvitationsOf(
  tx: Tx,
  { address }: Asked,
  accounts: readonly SubjectAccount[],
): Promise<SubjectInvitation[]> {
  const emails = new Set([
    ...(address === undefined ? [] : [address]),
    ...accounts.map((one) => one.email),
  ]);
  return await listSubjectInvitations(tx, [...emails]);
}

function severalAccounts(accounts: readonly SubjectAccount[]): Refused | undefined {
  if (accounts.length < 2) return undefined;
  return refused('conflict', `${accounts.length} people sign in under that. Add --address.`);
}

/** Colleagues share a telephone, and people a name: nobody is handed what is another's. */
function severalOf(contacts: readonly SubjectContact[], asked: Asked): Refused | undefined {
  const names = new Map(contacts.map(({ name }) => [name.toLowerCase(), name]));
  if (names.size > 1) {
    const named = [...names.values()].slice(0, NAMED_MAX).join(', ');
    const message = `${names.size} people have that, such as ${named}. Say whom by --person too.`;
    return refused('conflict', message);
  }
  if (contacts.length === 0) return undefined;
  const organisations = new Set(contacts.map(({ organisationCode }) => organisationCode)).size;
  const isOne = organisations === 1 || asked.number !== undefined || asked.address !== undefined;
  if (isOne) return undefined;
  return refused(
    'conflict',
    `That name is in ${organisations} organisations and need not be one person. Say whom by ` +
      '--number or --address too.',
  );
}

const NAMED_MAX = 5;

function indexesOf({ number, address }: Asked, { directory }: SubjectSeals): Buffer[] {
  const index = (channel: string, normalised: string) =>
    blindIndex(directory.blindIndexKey, channel, normalised);
  return [
    ...(number === undefined ? [] : [index('text', number), index('landline', number)]),
    ...(address === undefined ? [] : [index('mail', address)]),
  ];
}

/** That it was looked up and taken along, by ids alone. */
export async function recordExport(
  tx: Tx,
  { contacts, accounts, messages }: Subject,
): Promise<void> {
  const ids = [...contacts, ...accounts].map(({ id }) => id);
  await record(tx, {
    action: 'data_subject.exported',
    subject: { kind: 'data_subject', id: ids[0] ?? 'invitation' },
    detail: { contacts: contacts.map(({ id }) => id), messages: messages.length },
  });
}

/** Who is no contact is not erased: what was done here is answered for by name. */
export function refuseAccount({ contacts }: Subject): Refused | undefined {
  if (contacts.length > 0) return undefined;
  return refused(
    'conflict',
    'They are no contact, but sign in or were invited here, and who could do what stays ' +
      'answerable. End their roles and lock them on the page People: what signs them in ends at ' +
      'once, and goes, as invitations do, by `retention`.',
  );
}

export type Erased = Readonly<
  Record<'contacts' | 'points' | 'messages' | 'replies' | 'notes' | 'details', number>
>;

/** Erases all of it in the transaction of the caller, or nothing. For the owner of the tables. */
export async function eraseSubject(
  tx: Tx,
  asked: Asked,
  seals: SubjectSeals,
): Promise<Outcome<Erased>> {
  const found = await findSubject(tx, asked, seals);
  if (!found.ok) return found;
  const { contacts, points, answers, entries } = found.value;
  const stays = refuseAccount(found.value);
  if (stays !== undefined) return stays;
  const held = await refuseOnHold(
    tx,
    contacts.map(({ id }) => id),
  );
  if (held !== undefined) return held;
  const own = points.filter(({ shared }) => !shared);
  const pointIds = own.map(({ id }) => id);
  const addressIndexes = own.map(({ addressIndex }) => addressIndex);
  const underWay = await countSubjectUnderWay(tx, { pointIds, addressIndexes });
  if (underWay > 0)
    return refused(
      'conflict',
      `${underWay} messages to them are under way, or texts from them are unread. Try again when ` +
        'the alert has ended.',
    );
  if (answers.deskItems.some(({ state }) => state !== 'closed'))
    return refused('conflict', 'Something of theirs waits at the duty desk. Close it first.');
  for (const { id, active } of contacts) {
    const left = active ? await endContact(tx, id) : undefined;
    if (left?.ok === false) return left;
  }
  let details = 0;
  for (const entry of entries.filter(({ hasName }) => hasName)) {
    const reason = 'A person whom it named asked to be erased.';
    const gone = await eraseEntryDetail(tx, { entryId: entry.id, reason });
    if (!gone.ok) return gone;
    details += 1;
  }
  const sent = await eraseSubjectMessages(tx, {
    points: pointIds.map((id) => ({ id, nothingSealed: seals.sealAddress(id, '') })),
    addressIndexes,
  });
  const names = namesOf(contacts);
  const notes = await eraseSubjectNotes(tx, { contactPointIds: pointIds, names });
  const contactIds = contacts.map(({ id }) => id);
  const gone = await deleteSubject(tx, { contactIds, pointIds });
  const erased = { contacts: contacts.length, points: gone, ...sent, notes, details };
  await record(tx, {
    action: 'data_subject.erased',
    subject: { kind: 'data_subject', id: contactIds[0]! },
    detail: { ...erased, contact_ids: contactIds },
  });
  return ok(erased);
}
