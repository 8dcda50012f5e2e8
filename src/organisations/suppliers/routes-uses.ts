/** What one organisation uses and how it is tagged: said and ended on its page; the list of tags. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import { may, type Actor } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import {
  errorsAt,
  formModel,
  notFound,
  page,
  parseForm,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { nameForm, TAG_MAX, tagForm, useFields, useForm } from './form-use.ts';
import { idParams, type AudienceRoutesContext } from '../audiences/routes-audiences.ts';
import { dayOf } from './routes-suppliers.ts';
import { readNamesToAsk } from '../audiences/store-choices.ts';
import { findOrganisationRecord } from '../store.ts';
import { listUsesOfOrganisation } from './store-supplier.ts';
import { listTagged, listTags, listTagsOfOrganisation } from './store-tag.ts';
import { changeAndSayLeft, type AudienceLeft } from '../audiences/losses.ts';
import { endUseToday, sayUse } from './suppliers.ts';
import { removeTag, renameTagTo, tagOrganisation, untagOrganisation } from './tags.ts';

export function useRoutes(context: AudienceRoutesContext): Route[] {
  return [...useOfOrganisation(context), ...tagsOfOrganisation(context), ...tagRoutes(context)];
}

/** What the section "Depends on" of an organisation's page shows: `organisations/uses.njk`. */
export async function readUses(tx: Tx, organisationId: string) {
  const uses = await listUsesOfOrganisation(tx, organisationId);
  const dated = uses.map((use) => ({
    ...use,
    saidOn: dayOf(use.saidOn),
    usedUntil: dayOf(use.usedUntil),
  }));
  return {
    uses: dated.filter(({ hasEnded }) => !hasEnded),
    formerUses: dated.filter(({ hasEnded }) => hasEnded),
    tags: await listTagsOfOrganisation(tx, organisationId),
    mayWriteUses: may(tx.actor, 'directory.write'),
  };
}

type Typing = {
  readonly id: string;
  readonly form?: Form;
  readonly errors?: Record<string, string>;
};

/** The form for one more use, on a page of its own: what is known is on the organisation's. */
async function usePage(
  { database }: AudienceRoutesContext,
  actor: Actor,
  { id, form = {}, errors = {} }: Typing,
): Promise<Reply> {
  return await database.withActor(actor, async (tx) => {
    const organisation = await findOrganisationRecord(tx, id);
    if (organisation === undefined) return notFound();
    const known = await readNamesToAsk(tx);
    const model = { organisation, known, form: formModel(useFields, form, errors) };
    const isRefused = Object.keys(errors).length > 0;
    return view('organisations/use-form.njk', model, isRefused ? { status: 422 } : {});
  });
}

function useOfOrganisation(context: AudienceRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/organisations/:id/uses/new',
      access: 'directory.write',
      params: idParams,
      handle: async ({ actor, params: { id } }) => await usePage(context, actor, { id }),
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/uses/new',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, form, now }) {
        const typed = parseForm(useForm(now), form);
        const done = typed.ok
          ? await database.attempt(actor, (tx) =>
              sayUse(tx, { ...typed.value, organisationId: id, now }),
            )
          : typed;
        if (done.ok) return redirect(`/organisations/${id}#uses`, { notice: 'Written down.' });
        if (done.kind !== 'invalid') return refusedPage(done);
        return await usePage(context, actor, { id, form, errors: { ...errorsAt('', done) } });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/uses/:useId/end',
      access: 'directory.write',
      params: idParams.extend({ useId: z.uuid() }),
      async handle({ actor, params: { id, useId }, now }) {
        const on = { organisationIds: [id], onDate: londonDay(now) };
        const done = await database.attempt(actor, (tx) =>
          changeAndSayLeft(tx, on, () => endUseToday(tx, { id: useId, organisationId: id, now })),
        );
        if (!done.ok) return refusedPage(done);
        const notice = `Ended today.${itLeft(done.value.left)}`;
        return redirect(`/organisations/${id}#uses`, { notice });
      },
    }),
  ];
}

function tagsOfOrganisation({ database }: AudienceRoutesContext): Route[] {
  return [
    page({
      method: 'POST',
      path: '/organisations/:id/tags',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id: organisationId }, form, now }) {
        const typed = parseForm(tagForm, { tag: form['tag'] ?? '' });
        const done = typed.ok
          ? await database.attempt(actor, (tx) =>
              tagOrganisation(tx, { ...typed.value, organisationId, now }),
            )
          : typed;
        if (!done.ok)
          return refusedPage({ ...done, message: errorsAt('', done)['tag'] ?? done.message });
        return redirect(`/organisations/${organisationId}#uses`, { notice: 'Tagged.' });
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/:id/tags/:tagId/remove',
      access: 'directory.write',
      params: idParams.extend({ tagId: z.uuid() }),
      async handle({ actor, params: { id: organisationId, tagId }, now }) {
        const on = { organisationIds: [organisationId], onDate: londonDay(now) };
        const done = await database.attempt(actor, (tx) =>
          changeAndSayLeft(tx, on, () => untagOrganisation(tx, { organisationId, tagId, now })),
        );
        if (!done.ok) return refusedPage(done);
        const notice = `Tag taken off.${itLeft(done.value.left)}`;
        return redirect(`/organisations/${organisationId}#uses`, { notice });
      },
    }),
  ];
}

function itLeft(left: readonly AudienceLeft[]): string {
  const names = left.map(({ name }) => `“${name}”`).join(', ');
  return names === '' ? '' : ` With it they left the audience ${names}.`;
}

function theyLeft(left: readonly AudienceLeft[]): string {
  const each = left.map((one) => `“${one.name}” ${organisations(one.organisations)}`).join(', ');
  return each === '' ? '' : ` With it these audiences lost: ${each}.`;
}

function organisations(count: number): string {
  return count === 1 ? '1 organisation' : `${count} organisations`;
}

function tagRoutes(context: AudienceRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/tags',
      access: 'directory.read',
      handle: async ({ actor }) => await tagsPage(context, actor, {}),
    }),
    page({
      method: 'POST',
      path: '/tags/:id/rename',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, form }) {
        const typed = parseForm(nameForm(TAG_MAX), { name: form['name'] ?? '' });
        const done = typed.ok
          ? await database.attempt(actor, (tx) => renameTagTo(tx, { id, ...typed.value }))
          : typed;
        if (done.ok) return redirect('/tags', { notice: 'Renamed.' });
        if (done.kind !== 'invalid') return refusedPage(done);
        const [why = done.message] = Object.values(done.fields);
        return await tagsPage(context, actor, { [`name-${id}`]: why }, { id, form });
      },
    }),
    page({
      method: 'POST',
      path: '/tags/:id/remove',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, now }) {
        const done = await database.attempt(actor, async (tx) => {
          const organisationIds = await listTagged(tx, id);
          const on = { organisationIds, onDate: londonDay(now) };
          return await changeAndSayLeft(tx, on, () => removeTag(tx, id));
        });
        if (!done.ok) return refusedPage(done);
        const { value: had, left } = done.value;
        const notice = `Removed. ${organisations(had)} had it.${theyLeft(left)}`;
        return redirect('/tags', { notice });
      },
    }),
  ];
}

/** Each tag has a field of its own: `name-<id>`. */
async function tagsPage(
  { database }: AudienceRoutesContext,
  actor: Actor,
  errors: Readonly<Record<string, string>>,
  typed?: { readonly id: string; readonly form: Form },
): Promise<Reply> {
  const tags = await database.withActor(actor, (tx) => listTags(tx));
  const values = Object.fromEntries(
    tags.map(({ id, name }) => [
      `name-${id}`,
      id === typed?.id ? (typed.form['name'] ?? '') : name,
    ]),
  );
  const model = {
    tags,
    form: formModel(Object.keys(values), values, errors),
    mayWrite: may(actor, 'directory.write'),
  };
  return view('organisations/tags.njk', model, typed === undefined ? {} : { status: 422 });
}
