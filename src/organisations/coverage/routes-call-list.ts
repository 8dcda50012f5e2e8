/** The printable call list: chosen, made, printed or saved. */
import { may, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  errorsAt,
  file,
  formModel,
  page,
  refusalStatus,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { resolveQuestion } from '../audiences/audiences.ts';
import { callListCsv, makeCallList } from './call-list.ts';
import type { DirectoryContext } from '../context.ts';
import { parseAudienceQuestion } from '../audiences/parse-audience.ts';
import { listRegions, listSystems } from '../store-places.ts';

const fields = ['types', 'regions', 'systems', 'roles', 'mustAnswerOnly', 'namedOnly', 'include'];

export function callListRoutes(context: DirectoryContext): Route[] {
  const { database, model, secrets } = context;
  const make = (format: 'page' | 'csv') =>
    page({
      method: 'POST',
      path: format === 'page' ? '/organisations/call-list' : '/organisations/call-list.csv',
      access: 'response.record',
      fresh: true,
      async handle({ actor, form, now }) {
        const made = await database.attempt(actor, async (tx) => {
          const asked = parseAudienceQuestion(chosenOf(form), model);
          if (!asked.ok) return asked;
          const question = await resolveQuestion(tx, asked.value);
          if (!question.ok) return question;
          const list = { id: newId(), question: question.value, format };
          return await makeCallList(tx, list, { rules: model, secrets });
        });
        if (!made.ok) {
          return await database.withActor(actor, (tx) => chooseForm(tx, context, form, made));
        }
        if (format === 'csv') {
          return file('call-list.csv', 'text/csv; charset=utf-8', callListCsv(made.value));
        }
        const by = nameOf(actor);
        return view('organisations/call-list.njk', { list: made.value, madeAt: now, by });
      },
    });
  return [
    page({
      method: 'GET',
      path: '/organisations/call-list',
      access: 'response.record',
      handle: async ({ actor, query }) =>
        await database.withActor(actor, (tx) => chooseForm(tx, context, query)),
    }),
    make('page'),
    make('csv'),
  ];
}

/** Empty choices of selects are no narrowing. */
function chosenOf(form: Form): Form {
  return Object.fromEntries(fields.flatMap((name) => (form[name] ? [[name, form[name]]] : [])));
}

async function chooseForm(
  tx: Tx,
  { model }: DirectoryContext,
  typed: Form,
  why?: Refused,
): Promise<Reply> {
  return view(
    'organisations/call-list-choose.njk',
    {
      form: formModel(fields, typed, why ? errorsAt('', why) : {}),
      types: model.organisationTypes,
      roles: model.contactRoles,
      regions: await listRegions(tx),
      systems: await listSystems(tx),
      mayRead: may(tx.actor, 'directory.read'),
    },
    why ? { status: refusalStatus(why.kind).status } : {},
  );
}
