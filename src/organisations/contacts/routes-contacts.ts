/** Adding, changing, ordering and ending contacts by page. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import { refused, type FieldErrors, type Refused } from '#kernel/outcome.ts';
import { violatedConstraint, type Tx } from '#db/database.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { addContact, changeContact } from './contacts.ts';
import { recordView } from './looks.ts';
import type { DirectoryContext } from '../context.ts';
import {
  contactFields,
  landlineTyped,
  parseContactForm,
  slotsOf,
  typedOf,
  withLandlineMoved,
} from './form-contact.ts';
import { readCoverChoice } from './cover.ts';
import { absenceFields, absenceWords, coverNameOf, hoursWords } from './form-duty.ts';
import { keepsContactsOf } from '../policy.ts';
import { findContact, type ContactRecord } from './store-contacts.ts';
import { readChain } from './store-contact-list.ts';
import { listAbsences, listHours } from './store-duty.ts';
import { findOrganisationRecord } from '../store.ts';

const idParams = z.object({ id: z.uuid() });

export function contactRoutes(context: DirectoryContext): Route[] {
  return [...newContactRoutes(context), ...contactPageRoutes(context)];
}

type Failed = { readonly form: Form; readonly refused: Refused };

function newContactRoutes(context: DirectoryContext): Route[] {
  const { database, model, secrets, textPermissions } = context;
  const show = async (actor: Actor, organisationId: string, failed?: Failed): Promise<Reply> =>
    await database.withActor(actor, async (tx) => {
      const organisation = await findOrganisationRecord(tx, organisationId);
      if (organisation === undefined || !keepsContactsOf(actor, organisationId)) return notFound();
      const { lastRank: last } = await readChain(tx, organisationId);
      return contactForm(context, {
        organisation,
        typed: failed?.form ?? { rank: String(Math.min(last + 1, 9)), kind: 'person' },
        failed,
      });
    });
  return [
    page({
      method: 'GET',
      path: '/organisations/:id/contacts/new',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      handle: async ({ actor, params }) => await show(actor, params.id),
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/contacts/new',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params, form: posted }) {
        const form = withLandlineMoved(posted);
        const parsed = parseContactForm(form, { rules: model, textPermissions });
        if (!parsed.ok) return await show(actor, params.id, { form, refused: parsed });
        const contact = { id: formIdOf(form), organisationId: params.id, ...parsed.value };
        const done = await sayingWhoIsTwice(() =>
          database.attempt(actor, (tx) => addContact(tx, contact, secrets)),
        );
        if (!done.ok) return await show(actor, params.id, { form, refused: done });
        const notice = `${contact.fields.name} is told from now on.`;
        return redirect(`/organisations/${params.id}`, { notice });
      },
    }),
  ];
}

/** Two forms at once may both find the name free; the database lets one of them in. */
export async function sayingWhoIsTwice<T>(work: () => Promise<T>): Promise<T | Refused> {
  try {
    return await work();
  } catch (error) {
    if (violatedConstraint(error) !== 'contact_once') throw error;
    const why = 'There is a contact of this name and role here already';
    return refused('invalid', why, { name: why });
  }
}

/**
 * What a form saw it keeps while it is put right: else a slip of the pen would hide that somebody
 * else saved meanwhile. After a conflict it is the present one: pressing again is a decision.
 */
function versionFor({ version }: ContactRecord, failed: Failed | undefined): string {
  if (failed?.refused.kind !== 'invalid') return version;
  return many(failed.form['version'])[0] ?? version;
}

type Shown = {
  readonly organisation: { readonly id: string; readonly name: string };
  readonly contact?: ContactRecord;
  readonly typed: Form;
  readonly failed?: Failed | undefined;
  readonly more?: object;
};

function contactForm(context: DirectoryContext, shown: Shown): Reply {
  const { organisation, contact, typed, failed, more } = shown;
  const errors: FieldErrors = failed ? errorsAt('', failed.refused) : {};
  const { contactRoles, readerKinds } = context.model;
  return view(
    'organisations/contact.njk',
    {
      organisation,
      contact: contact ?? null,
      version: contact ? versionFor(contact, failed) : '',
      slots: slotsOf(contact?.points ?? []),
      // After a conflict a new one, so that pressing again is a decision.
      formId: formIdOf(failed?.refused.kind === 'invalid' ? typed : {}),
      form: formModel(contactFields, typed, errors),
      landline: failed ? (landlineTyped(typed)?.field ?? '') : '',
      roles: contactRoles,
      readerKinds,
      hours: [],
      absences: [],
      covers: null,
      elsewhere: [],
      ofCentre: false,
      mayHold: false,
      duty: null,
      ...more,
    },
    failed ? { status: refusalStatus(failed.refused.kind).status } : {},
  );
}

function contactPageRoutes(context: DirectoryContext): Route[] {
  const { database, model, secrets, textPermissions } = context;
  return [
    page({
      method: 'GET',
      path: '/organisations/contacts/:id',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      handle: async ({ actor, params, now }) =>
        await database.withActor(actor, (tx) => contactPage(tx, context, params.id, { now })),
    }),
    page({
      method: 'POST',
      path: '/organisations/contacts/:id',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params, form: posted, now }) {
        const form = withLandlineMoved(posted);
        const stored = await database.withActor(actor, (tx) => findContact(tx, params.id));
        if (stored === undefined) return notFound();
        const parsed = parseContactForm(form, { rules: model, textPermissions, stored });
        const version = many(form['version'])[0] ?? '';
        const done = parsed.ok
          ? await sayingWhoIsTwice(() =>
              database.attempt(actor, (tx) =>
                changeContact(tx, { id: params.id, version, ...parsed.value }, secrets),
              ),
            )
          : parsed;
        if (done.ok) {
          const notice = `${many(form['name'])[0]} is changed.`;
          return redirect(`/organisations/${stored.organisationId}`, { notice });
        }
        return await database.withActor(actor, (tx) =>
          contactPage(tx, context, params.id, { now, failed: { form, refused: done } }),
        );
      },
    }),
  ];
}

/** The page of one contact: its form, hours and absences, and where else the person is. */
export async function contactPage(
  tx: Tx,
  context: DirectoryContext,
  id: string,
  { now, failed, duty }: { now: Date; failed?: Failed; duty?: Failed },
): Promise<Reply> {
  const contact = await findContact(tx, id);
  const organisation = contact && (await findOrganisationRecord(tx, contact.organisationId));
  if (contact === undefined || organisation === undefined) return notFound();
  if (!keepsContactsOf(tx.actor, organisation.id)) return notFound();
  // A form that comes back was looked at before.
  if (failed === undefined && duty === undefined) await recordView(tx, contact);
  const covers = await readCoverChoice(tx, contact, coverNameOf(duty?.form));
  const reply = contactForm(context, {
    organisation,
    contact,
    typed: failed?.form ?? typedOf(contact),
    failed,
    more: {
      hours: hoursWords(await listHours(tx, id), duty?.form),
      absences: (await listAbsences(tx, id)).map((one) => absenceWords(one, now)),
      covers,
      elsewhere: elsewhereOf(contact),
      ofCentre: may(tx.actor, 'directory.write'),
      mayHold: may(tx.actor, 'audit.keep'),
      duty: duty ? { ...dutyProblem(duty), version: versionFor(contact, duty) } : null,
    },
  });
  if (duty === undefined || reply.as !== 'view') return reply;
  return { ...reply, status: refusalStatus(duty.refused.kind).status };
}

/** What was typed comes back with why it was refused. */
function dutyProblem({ form, refused: { message } }: Failed) {
  const typed = formModel(absenceFields, form).values;
  return { message, typed, isAbsence: form['from'] !== undefined };
}

/** Contacts of other organisations with the same number or address: the same person, or a desk. */
function elsewhereOf({ organisationId, points }: ContactRecord) {
  const others = points.flatMap((point) => point.others);
  const byId = new Map(others.map((other) => [other.contactId, other]));
  return [...byId.values()].filter((other) => other.organisationId !== organisationId);
}
