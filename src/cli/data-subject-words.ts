/** What is held on one person, in words and for programs. */
import type { Answer } from './call.ts';
import type { Subject } from './data-subject-find.ts';

/** Whole for a program; a summary for whoever answers the request. */
export function exportAnswer(subject: Subject): Answer {
  const points = subject.points.map(
    ({ channel, address, shared, createdAt, provenAt, answeredAt, stopAskedAt }) => {
      return { channel, address, shared, createdAt, provenAt, answeredAt, stopAskedAt };
    },
  );
  return { json: { ...subject, points }, text: summaryOf(subject) };
}

export function summaryOf(subject: Subject): string {
  const { contacts, points, history, messages, replies, answers, entries } = subject;
  const { accounts, invitations } = subject;
  const lines = [
    ...contacts.map(
      ({ name, organisationName, organisationCode, role, active }) =>
        `${name}, ${role} of ${organisationName} (${organisationCode})` +
        (active ? '' : ', not told any more'),
    ),
    ...points.map(
      ({ channel, address, shared }) =>
        `${channel}: ${address}${shared ? ', which others have too' : ''}`,
    ),
    `${messages.length} messages to them, ${replies.length} texts from them`,
    `${answers.answers.length} answers, ${answers.calls.length} calls, ` +
      `${answers.deskItems.length} things that the duty desk dealt with`,
    `${history.dutyHours.length} duty hours, ${history.absences.length} absences, ` +
      `${history.changes.length} changes, ${history.visits.length} visits to their own details`,
    `${entries.length} entries of the audit name them, ` +
      `${entries.filter(({ hasName }) => hasName).length} of them with the name`,
    ...accounts.map(
      ({ name, email, phoneMask, roles, passkeys, sessions }) =>
        `An account to sign in with: ${name}, ${email}, ${phoneMask ?? 'no mobile'}; ` +
        `${roles.length} roles, ${passkeys.length} passkeys, ${sessions.length} sessions`,
    ),
    ...invitations.map(({ name, email }) => `An invitation: ${name}, ${email}`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** What an erasure takes and what it leaves, and why. */
export function whatGoes({ points, accounts }: Subject): string {
  const shared = points.filter((point) => point.shared).length;
  const stays = [
    'that messages left, when and in which state, without the address: ledgers must add up',
    'that their organisation answered or was rung: the record of the incident',
    'entries of the audit, by random ids that no longer lead to anybody: the log is proved by them',
    'copies in backups, until those are deleted, and in the files of providers',
    ...(shared > 0 ? [`${shared} numbers or addresses that others have too: they are theirs`] : []),
    ...accounts.map(({ name }) => `the account of ${name}: who acted here stays answerable`),
  ];
  return `Goes: the contact with its hours, history, numbers and addresses; the address in each
message; texts from them; notes about them or with the name; details of the audit that have it.
Stays:
${stays.map((line) => `- ${line}\n`).join('')}`;
}
