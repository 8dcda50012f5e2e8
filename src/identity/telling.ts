/**
 * Telling somebody that their account can be opened in another way from now on, by the ways they
 * had before: their address and the number they are woken on. Planned in the transaction of the
 * change; the worker tells it once, whoever runs it how often.
 */
import { record } from '#audit/index.ts';
import type { Database, Tx } from '#db/database.ts';
import { enqueue } from '#db/enqueue.ts';
import { sendSingleMessage } from '#dispatch/index.ts';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { fillBlanks, singleReason } from '#operating-model/index.ts';
import type { MailRules } from './model.ts';
import { insertWoken, lockWaking } from './store-waking.ts';
import { selectPersonToTell } from './store-telling.ts';

/** The task that tells it; `main` says who does it. */
export const SIGN_IN_CHANGED_TASK = 'sign_in_changed';

/** One sentence each, as the mail and the text begin. */
const sentences = {
  passkey: 'A passkey was added to your account',
  app: 'An app for signing in was set up for your account',
  issuer: 'Your account was linked to a sign-in of others',
  recovery_asked: 'Somebody asked for a link to your account in place of your passkeys',
  recovered: 'Your passkeys were ended, and a link to your account opens',
} as const;

export type SignInChange = keyof typeof sentences;

type Planned = { readonly id: string; readonly personId: string; readonly what: SignInChange };

/** Plans to tell this person, in the transaction of what was changed. */
export async function planTelling(tx: Tx, personId: string, what: SignInChange): Promise<void> {
  const planned: Planned = { id: newId(), personId, what };
  await enqueue(tx, SIGN_IN_CHANGED_TASK, planned);
}

/** More than codes can use up (59): whoever asks for codes keeps nobody from being told. */
const PER_HOUR_MAX = 200;

/** Nobody is asked to text anything back: a message wants four digits, and these mean nothing. */
const NO_CODE = '0000';

export type Telling = {
  readonly model: MailRules;
  /** Seals an address as the dispatch engine opens it. */
  readonly sealAddress: (personId: string, address: string) => Buffer;
  readonly clockOf: (at: Date) => string;
};

/** Mails it, and texts it where there is a number; once, with an entry. */
export async function tellOfSignIn(
  database: Database,
  payload: unknown,
  { model, sealAddress, clockOf }: Telling,
): Promise<void> {
  const { id, personId, what } = payload as Planned;
  await database.withActor(system('sign-in'), async (tx) => {
    const person = await selectPersonToTell(tx, personId);
    if (person === undefined) return;
    await lockWaking(tx);
    const once = { kind: 'sign_in', subjectId: id, dueAt: new Date(0), step: 1 };
    const fresh = await insertWoken(tx, once, { personIds: [personId], againAfterMs: 0 });
    if (fresh.length === 0) return;
    const { sender, helpLine: help_line } = model;
    const when = clockOf(person.now);
    const said = (text: string) =>
      fillBlanks(text, { sender, help_line, what: sentences[what], when });
    const { subject, body, text } = model.signingIn.changedNotice;
    const to = {
      contactPointId: personId,
      code: NO_CODE,
      because: singleReason(model, 'signing_in.changed_notice', `told: ${sentences[what]}`),
      gatewayId: null,
      perHourMax: PER_HOUR_MAX,
    };
    const addressSealed = sealAddress(personId, person.email);
    const mail = { ...to, addressSealed, subject: said(subject), body: said(body) };
    const isMailed = await sendSingleMessage(tx, mail);
    const { phoneSealed } = person;
    const isTexted =
      phoneSealed !== null &&
      (await sendSingleMessage(tx, { ...to, addressSealed: phoneSealed, body: said(text) }));
    await record(tx, {
      action: 'person.told_of_sign_in',
      subject: { kind: 'person', id: personId },
      detail: { what, by: [...(isMailed ? ['mail'] : []), ...(isTexted ? ['text'] : [])] },
    });
  });
}
