/** Duty hours and absences by page. */
import { z } from 'zod';
import { ZONE } from '#kernel/day.ts';
import type { Actor } from '#kernel/actor.ts';
import { ok, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import {
  formIdOf,
  many,
  page,
  redirect,
  refusedPage,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { DirectoryContext } from '../context.ts';
import { findCover } from './cover.ts';
import { endAbsence, recordAbsence, setHours } from './duty.ts';
import { parseAbsence, parseHours } from './form-duty.ts';
import { contactPage } from './routes-contacts.ts';
import { instantOf } from './store-duty.ts';

const idParams = z.object({ id: z.uuid() });

export function dutyRoutes(context: DirectoryContext): Route[] {
  const { database } = context;
  const failed = async (
    actor: Actor,
    id: string,
    about: { form: Form; refused: Refused; now: Date },
  ): Promise<Reply> =>
    await database.withActor(actor, (tx) =>
      contactPage(tx, context, id, { now: about.now, duty: about }),
    );
  return [
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/hours',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params, form, now }) {
        const done = await takeHours(database, actor, { contactId: params.id, form });
        if (!done.ok) return await failed(actor, params.id, { form, refused: done, now });
        return redirect(`/organisations/contacts/${params.id}`, { notice: done.value });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/absences',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params, form, now }) {
        const done = await takeAbsence(database, actor, { contactId: params.id, form, now });
        if (!done.ok) return await failed(actor, params.id, { form, refused: done, now });
        return redirect(`/organisations/contacts/${params.id}`, { notice: done.value });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/absences/:id/end',
      access: ['directory.write', 'directory.own'],
      params: idParams,
      async handle({ actor, params, now }) {
        const done = await database.attempt(actor, (tx) => endAbsence(tx, params.id, now));
        if (!done.ok) return refusedPage(done);
        const notice = `${done.value.contactName} is on duty again.`;
        return redirect(`/organisations/contacts/${done.value.contactId}`, { notice });
      },
    }),
  ];
}

/** The hours of a posted form; what to say of it. */
export async function takeHours(
  database: Database,
  actor: Actor,
  { contactId, form }: { readonly contactId: string; readonly form: Form },
): Promise<Outcome<string>> {
  const hours = parseHours(form);
  if (!hours.ok) return hours;
  const version = many(form['version'])[0] ?? '';
  const change = { contactId, version, hours: hours.value, timeZone: ZONE };
  const done = await database.attempt(actor, (tx) => setHours(tx, change));
  if (!done.ok) return done;
  return ok(hours.value.length === 0 ? 'Always on duty from now on.' : 'The hours are kept.');
}

/** The absence of a posted form; what to say of it. */
export async function takeAbsence(
  database: Database,
  actor: Actor,
  { contactId, form, now }: { readonly contactId: string; readonly form: Form; readonly now: Date },
): Promise<Outcome<string>> {
  const parsed = parseAbsence(form);
  if (!parsed.ok) return parsed;
  const { from, until, coverName } = parsed.value;
  const id = formIdOf(form);
  const done = await database.attempt(actor, async (tx) => {
    const startsAt = await instantOf(tx, from, ZONE);
    const endsAt = await instantOf(tx, until, ZONE);
    const { coverId } = parsed.value;
    const cover = coverId ? ok(coverId) : await findCover(tx, contactId, coverName);
    if (!cover.ok) return cover;
    const absence = { id, contactId, startsAt, endsAt, coverId: cover.value };
    return await recordAbsence(tx, absence, now);
  });
  return done.ok ? ok('The absence is written down.') : done;
}
