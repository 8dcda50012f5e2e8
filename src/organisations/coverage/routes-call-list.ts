/** The printable call list: chosen, made, printed or saved. */
import { may, nameOf } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { ok, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  errorsAt,
  file,
  formModel,
  many,
  page,
  refusalStatus,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { asAtOf, dayAhead } from '../as-at.ts';
import { resolveQuestion } from '../audiences/audiences.ts';
import { callListCsv, makeCallList } from './call-list.ts';
import type { DirectoryContext } from '../context.ts';
import { parseAudienceQuestion } from '../audiences/parse-audience.ts';
import { listAudienceChoices } from '../audiences/store-choices.ts';
import { listRegions, listSystems, placesInUse } from '../store-places.ts';

const questionFields = [
  'within',
  'types',
  'regions',
  'systems',
  'roles',
  'mustAnswerOnly',
  'namedOnly',
  'include',
];
const fields = [...questionFields, 'asAt'];

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
          const asAt = dayAhead(many(form['asAt'])[0], now);
          if (!asAt.ok) return asAt;
          const list = { id: newId(), question: question.value, format, asAt: asAt.value };
          const written = await makeCallList(tx, list, { rules: model, secrets });
          return written.ok ? ok({ ...written.value, asAt: asAt.value }) : written;
        });
        if (!made.ok) {
          return await database.withActor(actor, (tx) =>
            chooseForm(tx, context, { typed: form, now, why: made }),
          );
        }
        if (format === 'csv') {
          const day = made.value.asAt?.day;
          const name = day === undefined ? 'call-list.csv' : `call-list-${day}.csv`;
          return file(name, 'text/csv; charset=utf-8', callListCsv(made.value));
        }
        const { asAt } = made.value;
        return view('organisations/call-list.njk', {
          list: made.value,
          on: asAt === undefined ? null : new Date(`${asAt.day}T12:00:00Z`),
          madeAt: now,
          by: nameOf(actor),
        });
      },
    });
  return [
    page({
      method: 'GET',
      path: '/organisations/call-list',
      access: 'response.record',
      handle: async ({ actor, query, now }) =>
        await database.withActor(actor, (tx) => chooseForm(tx, context, { typed: query, now })),
    }),
    make('page'),
    make('csv'),
  ];
}

/** Empty choices of selects are no narrowing. */
function chosenOf(form: Form): Form {
  return Object.fromEntries(
    questionFields.flatMap((name) => (form[name] ? [[name, form[name]]] : [])),
  );
}

async function chooseForm(
  tx: Tx,
  { model }: DirectoryContext,
  { typed, now, why }: { readonly typed: Form; readonly now: Date; readonly why?: Refused },
): Promise<Reply> {
  const audiences = await listAudienceChoices(tx, []);
  const regions = await listRegions(tx);
  const asAt = asAtOf(many(typed['asAt'])[0] ?? '', now);
  return view(
    'organisations/call-list-choose.njk',
    {
      form: formModel(fields, typed, why ? errorsAt('', why) : {}),
      audiences: audiences.map(({ id, name }) => ({ value: id, text: name })),
      types: model.organisationTypes,
      roles: model.contactRoles,
      regions: asAt === undefined ? placesInUse(regions) : regions,
      systems: await listSystems(tx),
      pastDay: asAt?.isPast === true ? new Date(`${asAt.day}T12:00:00Z`) : null,
      mayRead: may(tx.actor, 'directory.read'),
    },
    why ? { status: refusalStatus(why.kind).status } : {},
  );
}
