/** One saved audience: what it asks, whom it means and why, who came and went, its versions. */
import { z } from 'zod';
import { may } from '#kernel/actor.ts';
import {
  file,
  formModel,
  notFound,
  page,
  PAGE_ROWS,
  pageOf,
  view,
  type Reply,
  type Route,
} from '#web/index.ts';
import type { Tx } from '#db/database.ts';
import { asAtOf, type AsAt } from '../as-at.ts';
import { questionInWords, type Phrase } from './audience-words.ts';
import { membersCsv, readNames, versionsShown } from './form-audience.ts';
import { searchCursor, searchKey, word } from '../form-search.ts';
import { whyIn, whyOut, type AudienceNames } from './membership.ts';
import { unknownCodeErrors, type AudienceQuestion, type AudienceRules } from '../model.ts';
import { idParams, type AudienceRoutesContext } from './routes-audiences.ts';
import { previewAudience } from './preview.ts';
import {
  countChanges,
  countMembers,
  listCame,
  listMembers,
  listNamedOut,
  listWent,
  listWillCome,
  listHandingOver,
  listWillGo,
} from './store-members.ts';
import { listUnknownCodes } from '../store-places.ts';
import {
  findAudience,
  listAudiences,
  listAudienceVersions,
  type AudienceRow,
} from './store-saved.ts';
import { readAsAt } from '../routes-as-at.ts';
import { showAhead } from '../successions/ahead.ts';

/** More of who came and went would be a list for another page. */
const CHANGES_MAX = 50;
/** A sector has fewer organisations. */
const CSV_ROWS_MAX = 200_000;
const DAY_MS = 86_400_000;

export function oneAudienceRoutes(context: AudienceRoutesContext): Route[] {
  return [audienceRoute(context), versionRoute(context), ...memberRoutes(context)];
}

function audienceRoute({ database, model }: AudienceRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/audiences/:id',
    access: 'directory.read',
    params: idParams,
    query: z.object({ 'as-at': z.string().catch('') }),
    async handle({ actor, params: { id }, query, now }) {
      const asAt = asAtOf(query['as-at'], now);
      return await database.withActor(actor, async (tx) => {
        const audience = await findAudience(tx, id);
        if (audience === undefined) return notFound();
        const names = await readNames(tx, model);
        const says = questionInWords(audience.question, names);
        if (asAt !== undefined) return await showOn(tx, asAt, { audience, says });
        const { question } = audience;
        return view('organisations/audience.njk', {
          audience,
          says,
          missing: Object.values(unknownCodeErrors(await listUnknownCodes(tx, question))),
          counts: await previewAudience(tx, question),
          countedAt: now,
          versions: versionsShown(await listAudienceVersions(tx, id), names),
          builders: (await listAudiences(tx)).filter((one) =>
            one.question.audiences.some((part) => part.id === id),
          ),
          ...(await readChanges(tx, { id, question, names, model })),
          mayWrite: may(actor, 'directory.write'),
          mayAlert: may(actor, 'alert.write'),
          mayCall: may(actor, 'response.record'),
        });
      });
    },
  });
}

/** Whom what it asks today means on another day: what came and went, and what may be done, is on the page of today. */
async function showOn(
  tx: Tx,
  asAt: AsAt,
  { audience, says }: { readonly audience: AudienceRow; readonly says: readonly Phrase[] },
): Promise<Reply> {
  return await showAhead(tx, asAt, async (ahead) =>
    view('organisations/audience-on.njk', {
      audience,
      says,
      asAt: await readAsAt(tx, asAt, ahead),
      counts: await previewAudience(tx, audience.question, asAt),
    }),
  );
}

type Asking = {
  readonly id: string;
  readonly question: AudienceQuestion;
  readonly names: AudienceNames;
  readonly model: AudienceRules;
};

/** Who came in and went out since it was saved, and who will, each with the reason. */
async function readChanges(tx: Tx, { id, question, names, model }: Asking) {
  const kept = { audienceId: id, question };
  const days = Math.floor(model.audienceLookAheadMs / DAY_MS);
  const ahead = { days, limit: CHANGES_MAX + 1 };
  const went = await listWent(tx, kept, CHANGES_MAX);
  const came = await listCame(tx, kept, CHANGES_MAX);
  const willGo = await listWillGo(tx, question, ahead);
  const willCome = await listWillCome(tx, question, ahead);
  const handingOver = await listHandingOver(tx, question);
  return {
    changes: await countChanges(tx, kept),
    handingOver: handingOver.map((one) => ({ ...one, on: new Date(`${one.onDate}T12:00:00Z`) })),
    went: went.map((row) => ({ ...row, why: whyOut(question, row, names, row.before).join('; ') })),
    came: came.map((row) => ({ ...row, why: whyIn(question, row, names).join('; ') })),
    aheadDays: days,
    changesMax: CHANGES_MAX,
    willGo: willGo.map((row) => ({ ...row, why: goingWords(question, row, names) })),
    willCome: willCome.map((row) => ({ ...row, why: `opens on ${names.dayName(row.openedOn!)}` })),
  };
}

/** Its facts are those of the day to come: what it uses then, where it belongs. */
function goingWords(
  question: AudienceQuestion,
  row: Awaited<ReturnType<typeof listWillGo>>[number],
  names: AudienceNames,
): string {
  if (!row.exists && row.closedOn !== null) return `last day ${names.dayName(row.closedOn)}`;
  return whyOut(question, row, names).join('; ');
}

function versionRoute({ database, model }: AudienceRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/audiences/:id/versions/:number',
    access: 'directory.read',
    params: z.object({ id: z.uuid(), number: z.coerce.number().int().min(1) }),
    handle: async ({ actor, params: { id, number } }) =>
      await database.withActor(actor, async (tx) => {
        const audience = await findAudience(tx, id);
        const names = await readNames(tx, model);
        const versions = versionsShown(await listAudienceVersions(tx, id), names);
        const version = versions.find((one) => one.number === number);
        if (audience === undefined || version === undefined) return notFound();
        const counts = await previewAudience(tx, version.question);
        return view('organisations/audience-version.njk', { audience, version, counts });
      }),
  });
}

const memberQuery = z.object({
  q: word,
  'as-at': word,
  after: searchCursor.optional().catch(undefined),
});

function memberRoutes({ database, model }: AudienceRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/audiences/:id/organisations',
      access: 'directory.read',
      params: idParams,
      query: memberQuery,
      async handle({ actor, params: { id }, query, now }) {
        const asAt = asAtOf(query['as-at'], now);
        return await database.withActor(actor, async (tx) => {
          const audience = await findAudience(tx, id);
          if (audience === undefined) return notFound();
          const names = await readNames(tx, model);
          const asked = { audience, names, q: query.q, after: query.after };
          return await showAhead(tx, asAt, async (ahead) =>
            view('organisations/audience-members.njk', {
              ...(await readMembers(tx, { ...asked, asAt })),
              asAt: await readAsAt(tx, asAt, ahead),
            }),
          );
        });
      },
    }),
    page({
      method: 'GET',
      path: '/audiences/:id/organisations.csv',
      access: 'directory.read',
      params: idParams,
      query: z.object({ 'as-at': word }),
      async handle({ actor, params: { id }, query, now }) {
        const asAt = asAtOf(query['as-at'], now);
        return await database.withActor(actor, async (tx) => {
          const audience = await findAudience(tx, id);
          if (audience === undefined) return notFound();
          const { question } = audience;
          const names = await readNames(tx, model);
          return await showAhead(tx, asAt, async () => {
            const rows = await listMembers(tx, { question, asAt, limit: CSV_ROWS_MAX });
            const name = asAt === undefined ? 'audience.csv' : `audience-${asAt.day}.csv`;
            return file(name, 'text/csv; charset=utf-8', membersCsv(rows, question, names));
          });
        });
      },
    }),
  ];
}

type MembersAsked = {
  readonly audience: AudienceRow;
  readonly names: AudienceNames;
  readonly q: string;
  readonly after: z.output<typeof memberQuery>['after'];
  readonly asAt: AsAt | undefined;
};

async function readMembers(tx: Tx, { audience, names, q, after, asAt }: MembersAsked) {
  const { question } = audience;
  const search = { question, asAt, text: q, after, limit: PAGE_ROWS + 1 };
  const { rows, next } = pageOf(await listMembers(tx, search), PAGE_ROWS, searchKey);
  const named = { question, asAt, limit: CHANGES_MAX };
  const out = after === undefined ? await listNamedOut(tx, named) : [];
  const address = new URLSearchParams([
    ...(q === '' ? [] : [['q', q]]),
    ...(asAt === undefined ? [] : [['as-at', asAt.day]]),
  ]).toString();
  return {
    audience,
    form: formModel(['q'], { q }),
    count: await countMembers(tx, search),
    rows: rows.map((row) => ({ ...row, why: whyIn(question, row, names) })),
    namedOut: out.map((row) => ({ ...row, why: whyOut(question, row, names) })),
    next,
    href: `/audiences/${audience.id}/organisations?${address}${address === '' ? '' : '&'}`,
    isFirst: after === undefined,
  };
}
