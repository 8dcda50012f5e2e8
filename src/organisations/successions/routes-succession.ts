/** The pages of mergers and splits. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import { may } from '#kernel/actor.ts';
import type { FieldErrors } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  dateOnly,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { DirectoryRules } from '../model.ts';
import { listBodies, listSuccessions, type SuccessionRow } from './store-succession.ts';
import {
  closingOf,
  confirmSuccession,
  isOpen,
  planSuccession,
  withdrawSuccession,
} from './succeed.ts';
import { placeChildren } from './children.ts';
import { errorsOfPlan, parsePlaces, parsePlan, planFields } from './form-succession.ts';
import { previewSuccession, type SuccessionPreview } from './preview.ts';
import { dayBefore, isWhole, successionStates, successorsOf } from './succession.ts';

export type SuccessionRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: DirectoryRules;
  /** The directory does not know alerts; the wiring says where they are asked for. */
  readonly openAnswersOf?: (tx: Tx, organisationIds: readonly string[]) => Promise<WaitingAlert[]>;
};

/** An alert that waits for an answer of an organisation. */
export type WaitingAlert = {
  readonly alertId: string;
  readonly number: number;
  readonly organisations: readonly { readonly id: string; readonly shortName: string }[];
};

const idParams = z.object({ id: z.uuid() });
const LIST_MAX = 200;

export function successionRoutes(context: SuccessionRoutesContext): Route[] {
  return [listRoute(context), ...planRoutes(context), ...oneRoutes(context)];
}

function listRoute({ database }: SuccessionRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/organisations/successions',
    access: 'directory.read',
    async handle({ actor }) {
      const rows = await database.withActor(actor, (tx) => listSuccessions(tx, LIST_MAX));
      const mayPlan = may(actor, 'directory.write');
      return view('organisations/successions.njk', { successions: rows.map(facts), mayPlan });
    },
  });
}

function planRoutes({ database }: SuccessionRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/organisations/successions/new',
      access: 'directory.write',
      query: z.object({ from: z.string().max(20).catch('') }),
      handle: async ({ query }) => planForm({ predecessors: query.from }),
    }),
    page({
      method: 'POST',
      path: '/organisations/successions/new',
      access: 'directory.write',
      async handle({ actor, form }) {
        const plan = parsePlan(form);
        const planned = plan.ok
          ? await database.attempt(actor, (tx) => planSuccession(tx, plan.value))
          : plan;
        if (planned.ok) return redirect(`/organisations/successions/${planned.value}`);
        if (planned.kind === 'forbidden') return refusedPage(planned);
        return planForm(form, errorsOfPlan(form, planned.fields));
      },
    }),
  ];
}

function planForm(typed: Form, errors?: FieldErrors): Reply {
  const model = { form: formModel(planFields, typed, errors ?? {}), formId: formIdOf(typed) };
  return view(
    'organisations/succession-plan.njk',
    model,
    errors === undefined ? {} : { status: 422 },
  );
}

function oneRoutes(context: SuccessionRoutesContext): Route[] {
  const { database } = context;
  const act = (path: string, verb: typeof withdrawSuccession | typeof confirmSuccession) =>
    page({
      method: 'POST',
      path: `/organisations/successions/:id/${path}`,
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, now }) {
        const done = await database.attempt(actor, (tx) => verb(tx, params.id, londonDay(now)));
        if (!done.ok) return refusedPage(done);
        return redirect(`/organisations/successions/${params.id}`);
      },
    });
  return [
    page({
      method: 'GET',
      path: '/organisations/successions/:id',
      access: 'directory.read',
      params: idParams,
      async handle({ actor, params, now }) {
        return await database.withActor(actor, (tx) =>
          showOne(tx, context, { id: params.id, now }),
        );
      },
    }),
    page({
      method: 'POST',
      path: '/organisations/successions/:id/children',
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params: { id }, form, now }) {
        const places = parsePlaces(form);
        const placed = places.ok
          ? await database.attempt(actor, (tx) => placeChildren(tx, { id, places: places.value }))
          : places;
        if (placed.ok) return redirect(`/organisations/successions/${id}#children`);
        if (placed.kind !== 'invalid') return refusedPage(placed);
        const typed = { form, errors: placed.fields };
        return await database.withActor(actor, (tx) => showOne(tx, context, { id, now, typed }));
      },
    }),
    act('confirm', confirmSuccession),
    act('withdraw', withdrawSuccession),
  ];
}

async function showOne(
  tx: Tx,
  context: SuccessionRoutesContext,
  showing: {
    readonly id: string;
    readonly now: Date;
    /** What was refused of who comes to stand below whom. */
    readonly typed?: { readonly form: Form; readonly errors: FieldErrors };
  },
): Promise<Reply> {
  const { id, now, typed } = showing;
  const found = await previewSuccession(tx, id);
  if (found === undefined) return notFound();
  const waiting = await listWaiting(tx, context, found);
  const after = found.after.map(({ heirs, ...one }) => ({
    ...one,
    heirs: heirs.map((heir) => ({
      ...heir,
      roleLabel: context.model.contactRoles[heir.role]?.label ?? heir.role,
    })),
  }));
  return view(
    'organisations/succession.njk',
    {
      succession: {
        ...facts(found),
        after,
        hindrance: found.hindrance ?? null,
        losses: found.losses,
        openDispatches: found.openDispatches,
        waiting,
        below: found.below,
      },
      children: await childrenShown(tx, found, typed?.form ?? {}),
      form: formModel(['places'], typed?.form, typed?.errors),
      isDue: found.onDate <= londonDay(now),
      mayPlan: may(tx.actor, 'directory.write'),
    },
    typed === undefined ? {} : { status: 422 },
  );
}

/** So many stand on the page with a choice each; of more, those that were given by name first. */
const CHILDREN_SHOWN = 100;

/** Who may come to stand below several, with the choices; as typed where that was refused. */
async function childrenShown(tx: Tx, found: SuccessionPreview, typed: Form) {
  const { shared } = found.below;
  const givenTo = new Map(found.children.map(({ child, successor }) => [child, successor]));
  const nameOf = new Map(found.successors.map(({ code, name }) => [code, name]));
  const bodies = await listBodies(
    tx,
    shared.map(({ code }) => code),
  );
  const takersBy = new Map(shared.map(({ code, takers }) => [code, takers]));
  const inOrder = bodies.toSorted(
    (a, b) =>
      Number(givenTo.has(b.code)) - Number(givenTo.has(a.code)) ||
      a.name.localeCompare(b.name, 'en'),
  );
  return {
    count: shared.length,
    shown: inOrder.slice(0, CHILDREN_SHOWN).map(({ id, code, name }) => {
      const [first = '', ...others] = takersBy.get(code) ?? [];
      const was = givenTo.get(code) ?? '';
      const chosen = many(typed[`to-${code}`])[0] ?? was;
      const choices = [first, ...others].map((taker, i) => ({
        value: i === 0 ? '' : taker,
        text: nameOf.get(taker) ?? taker,
        // The one that takes the others may be named too: it is the same.
        selected: chosen === taker || (i === 0 && chosen === ''),
      }));
      return { id, code, name, was, choices };
    }),
  };
}

/** Alerts whose answers of those who hand over are still open. */
async function listWaiting(
  tx: Tx,
  { openAnswersOf }: SuccessionRoutesContext,
  { state, predecessors }: SuccessionRow,
): Promise<WaitingAlert[]> {
  if (openAnswersOf === undefined || !isOpen(state) || !may(tx.actor, 'alert.read')) return [];
  return await openAnswersOf(
    tx,
    predecessors.map(({ id }) => id),
  );
}

/** More names than this are counted in a list of plans. */
const NAMED_MAX = 3;

function named(bodies: SuccessionRow['predecessors']): string {
  const names = bodies.map(({ name }) => name);
  if (names.length <= NAMED_MAX) return names.join(', ');
  return `${names.slice(0, NAMED_MAX - 1).join(', ')} and ${names.length - NAMED_MAX + 1} more`;
}

function facts(row: SuccessionRow) {
  const on = new Date(`${row.onDate}T12:00:00Z`);
  const closing = closingOf(row);
  return {
    ...row,
    on,
    onDay: dateOnly(on),
    lastDay: new Date(`${dayBefore(row.onDate)}T12:00:00Z`),
    stateLabel: successionStates[row.state],
    closing,
    sentence: `${named(row.predecessors)} → ${named(row.successors)}`,
    // Where not all take over from all.
    lines: isWhole(row)
      ? []
      : row.predecessors.map((from) => ({ from, to: successorsOf(row, from.id) })),
  };
}
