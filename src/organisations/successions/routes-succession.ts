/** The pages of mergers and splits. */
import { z } from 'zod';
import { may } from '#kernel/actor.ts';
import type { FieldErrors } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  dateOnly,
  formIdOf,
  formModel,
  londonDay,
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
import { codesIn } from '../audiences/parse-audience.ts';
import { listSuccessions, type SuccessionRow } from './store-succession.ts';
import {
  closingOf,
  confirmSuccession,
  isOpen,
  planSuccession,
  withdrawSuccession,
  type SuccessionPlan,
} from './succeed.ts';
import { previewSuccession } from './preview.ts';
import { dayBefore, successionStates } from './succession.ts';

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

const fields = ['predecessors', 'successors', 'childrenTo', 'onDate'];
const idParams = z.object({ id: z.uuid() });
const LIST_MAX = 200;
/** Of one side: more would be read by nobody. */
const CODES_MAX = 500;

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
        if (!plan.ok) return planForm(form, plan.errors);
        const planned = await database.attempt(actor, (tx) => planSuccession(tx, plan.value));
        if (planned.ok) return redirect(`/organisations/successions/${planned.value}`);
        if (planned.kind === 'forbidden') return refusedPage(planned);
        return planForm(form, planned.fields);
      },
    }),
  ];
}

function planForm(typed: Form, errors?: FieldErrors): Reply {
  const model = { form: formModel(fields, typed, errors ?? {}), formId: formIdOf(typed) };
  return view(
    'organisations/succession-plan.njk',
    model,
    errors === undefined ? {} : { status: 422 },
  );
}

const day = z.iso.date();

function parsePlan(
  form: Form,
): { ok: true; value: SuccessionPlan } | { ok: false; errors: FieldErrors } {
  const onDate = day.safeParse((many(form['onDate'])[0] ?? '').trim());
  const codesOf = (field: string) => codesIn(many(form[field])).slice(0, CODES_MAX);
  const [predecessors, successors] = [codesOf('predecessors'), codesOf('successors')];
  const [childrenTo] = codesOf('childrenTo');
  const errors = {
    ...(predecessors.length === 0 && { predecessors: 'Name at least one organisation' }),
    ...(successors.length === 0 && { successors: 'Name at least one organisation' }),
    ...(!onDate.success && { onDate: 'Enter the first day of the successors, such as 2027-04-01' }),
  };
  if (!onDate.success || Object.keys(errors).length > 0) return { ok: false, errors };
  return {
    ok: true,
    value: {
      id: formIdOf(form),
      onDate: onDate.data,
      predecessors,
      successors,
      ...(childrenTo !== undefined && { childrenTo }),
    },
  };
}

function oneRoutes(context: SuccessionRoutesContext): Route[] {
  const { database, model } = context;
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
        const seen = await database.withActor(actor, async (tx) => {
          const found = await previewSuccession(tx, params.id);
          return found && { found, waiting: await listWaiting(tx, context, found) };
        });
        if (seen === undefined) return notFound();
        const { found, waiting } = seen;
        const after = found.after.map(({ heirs, ...one }) => ({
          ...one,
          heirs: heirs.map((heir) => ({
            ...heir,
            roleLabel: model.contactRoles[heir.role]?.label ?? heir.role,
          })),
        }));
        return view('organisations/succession.njk', {
          succession: {
            ...facts(found),
            after,
            hindrance: found.hindrance ?? null,
            losses: found.losses,
            openDispatches: found.openDispatches,
            waiting,
            below: found.below,
          },
          isDue: found.onDate <= londonDay(now),
          mayPlan: may(actor, 'directory.write'),
        });
      },
    }),
    act('confirm', confirmSuccession),
    act('withdraw', withdrawSuccession),
  ];
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

function facts(row: SuccessionRow) {
  const names = (bodies: SuccessionRow['predecessors']) => bodies.map(({ name }) => name);
  const on = new Date(`${row.onDate}T12:00:00Z`);
  const closing = closingOf(row);
  return {
    ...row,
    on,
    onDay: dateOnly(on),
    lastDay: new Date(`${dayBefore(row.onDate)}T12:00:00Z`),
    stateLabel: successionStates[row.state],
    closing,
    sentence: `${names(row.predecessors).join(', ')} → ${names(row.successors).join(', ')}`,
  };
}
