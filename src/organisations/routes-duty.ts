/** Duty hours and absences by page. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import {
  formIdOf,
  many,
  page,
  redirect,
  refusedPage,
  ZONE,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { DirectoryContext } from './context.ts';
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
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const hours = parseHours(form);
        const version = many(form['version'])[0] ?? '';
        const done = hours.ok
          ? await database.attempt(actor, (tx) =>
              setHours(tx, { contactId: params.id, version, hours: hours.value, timeZone: ZONE }),
            )
          : hours;
        if (!done.ok) return await failed(actor, params.id, { form, refused: done, now });
        const isAlways = hours.ok && hours.value.length === 0;
        const notice = isAlways ? 'Always on duty from now on.' : 'The hours are kept.';
        return redirect(`/organisations/contacts/${params.id}`, { notice });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/contacts/:id/absences',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const parsed = parseAbsence(form);
        const id = formIdOf(form);
        const done = parsed.ok
          ? await database.attempt(actor, async (tx) => {
              const startsAt = await instantOf(tx, parsed.value.from, ZONE);
              const endsAt = await instantOf(tx, parsed.value.until, ZONE);
              const { coverId } = parsed.value;
              const absence = { id, contactId: params.id, startsAt, endsAt, coverId };
              return await recordAbsence(tx, absence, now);
            })
          : parsed;
        if (!done.ok) return await failed(actor, params.id, { form, refused: done, now });
        return redirect(`/organisations/contacts/${params.id}`, {
          notice: 'The absence is written down.',
        });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/absences/:id/end',
      access: 'directory.write',
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
