/** What a contact sees and keeps of itself, by page. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import { networkOf } from '#kernel/ip-network.ts';
import type { Outcome, Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
  type WebRequest,
} from '#web/index.ts';
import { readCoverChoice } from '../contacts/cover.ts';
import { endAbsence } from '../contacts/duty.ts';
import { absenceFields, coverNameOf } from '../contacts/form-duty.ts';
import { codeOf, ownWords, parseNumberForm } from './form-own.ts';
import {
  offerNumber,
  ownContact,
  sayLeft,
  sayStillRight,
  setOwnLanguage,
  takeNumber,
} from './own-details.ts';
import { takeAbsence, takeHours } from '../contacts/routes-duty.ts';
import { codePage, ownSessionRoutes, type OwnRoutesContext } from './routes-own-session.ts';
import { listAbsences, listHours } from '../contacts/store-duty.ts';
import { findAttestation, listOwnPoints } from './store-own.ts';

const HOME = '/your-details';
const idParams = z.object({ id: z.uuid() });

export function ownDetailsRoutes(context: OwnRoutesContext): Route[] {
  return [
    ...ownSessionRoutes(context),
    ...homeRoutes(context),
    ...wordRoutes(context),
    ...timeRoutes(context),
    ...numberRoutes(context),
  ];
}

type Visit = Pick<WebRequest, 'actor' | 'session' | 'now'>;
type Failed = { readonly form: Form; readonly refused: Refused };

function homeRoutes(context: OwnRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: HOME,
      access: 'contact',
      handle: async (request) => await home(context, request),
    }),
  ];
}

async function home(context: OwnRoutesContext, visit: Visit, failed?: Failed): Promise<Reply> {
  const { database, model: rules } = context;
  const { actor, session, now } = visit;
  const isAbsence = failed?.form['from'] !== undefined;
  const typedHours = failed && !isAbsence ? failed.form : undefined;
  const words = await database.withActor(actor, async (tx) =>
    ownWords(await onFile(tx, coverNameOf(failed?.form)), { rules, now, typedHours }),
  );
  const duty = failed && {
    message: failed.refused.message,
    typed: formModel(absenceFields, failed.form).values,
    isAbsence,
    version: many(failed.form['version'])[0] ?? words.contact.version,
  };
  return view(
    'organisations/own-details.njk',
    {
      ...words,
      duty: duty ?? null,
      formId: formIdOf(failed?.refused.kind === 'invalid' ? failed.form : {}),
      expiresAt: session!.expiresAt,
      notice: rules.ownDetails.notice,
      helpLine: rules.helpLine,
    },
    failed ? { status: refusalStatus(failed.refused.kind).status } : {},
  );
}

async function onFile(tx: Tx, coverName: string) {
  const contact = await ownContact(tx);
  return {
    contact,
    points: await listOwnPoints(tx, contact.id),
    attestation: await findAttestation(tx, contact.id),
    hours: await listHours(tx, contact.id),
    absences: await listAbsences(tx, contact.id),
    covers: await readCoverChoice(tx, contact, coverName),
  };
}

function wordRoutes({ database }: OwnRoutesContext): Route[] {
  return [
    page({
      method: 'POST',
      path: `${HOME}/still-right`,
      access: 'contact',
      async handle({ actor, now }) {
        await database.withActor(actor, (tx) => sayStillRight(tx, now));
        return redirect(HOME, { notice: 'Thank you. It is written down that all of it is right.' });
      },
    }),
    page({
      method: 'POST',
      path: `${HOME}/left`,
      access: 'contact',
      async handle({ actor, now }) {
        await database.withActor(actor, (tx) => sayLeft(tx, now));
        const notice = 'It is written down. You are told until somebody has dealt with it.';
        return redirect(HOME, { notice });
      },
    }),
    page({
      method: 'POST',
      path: `${HOME}/language`,
      access: 'contact',
      async handle({ actor, form }) {
        const language = many(form['language'])[0] === 'cy' ? 'cy' : 'en';
        const version = many(form['version'])[0] ?? '';
        const done = await database.attempt(actor, (tx) =>
          setOwnLanguage(tx, { language, version }),
        );
        const notice = done.ok ? 'The language is kept.' : done.message;
        return redirect(HOME, { notice });
      },
    }),
  ];
}

function timeRoutes(context: OwnRoutesContext): Route[] {
  const { database } = context;
  const take = (
    path: string,
    save: (actor: Actor & { kind: 'contact' }, form: Form, now: Date) => Promise<Outcome<string>>,
  ) =>
    page({
      method: 'POST',
      path: `${HOME}/${path}`,
      access: 'contact',
      async handle(request) {
        const { actor, form, now } = request;
        if (actor.kind !== 'contact') return notFound();
        const done = await save(actor, form, now);
        if (!done.ok) return await home(context, request, { form, refused: done });
        return redirect(HOME, { notice: done.value });
      },
    });
  return [
    take('hours', (actor, form) => takeHours(database, actor, { contactId: actor.id, form })),
    take('absences', (actor, form, now) =>
      takeAbsence(database, actor, { contactId: actor.id, form, now }),
    ),
    page({
      method: 'POST',
      path: `${HOME}/absences/:id/end`,
      access: 'contact',
      params: idParams,
      async handle({ actor, params, now }) {
        const done = await database.attempt(actor, (tx) => endAbsence(tx, params.id, now));
        // A colleague's absence is as absent as one that never was (P8).
        if (!done.ok) return done.kind === 'forbidden' ? notFound() : refusedPage(done);
        return redirect(HOME, { notice: 'You are on duty again.' });
      },
    }),
  ];
}

const numberFields = ['address', 'replaces'];

function numberRoutes(context: OwnRoutesContext): Route[] {
  const { database, model: rules, secrets, indexNetwork, textPermissions = {} } = context;
  const show = async (actor: Actor, typed: Form, refused?: Refused): Promise<Reply> => {
    const points = await database.withActor(actor, async (tx) =>
      listOwnPoints(tx, (await ownContact(tx)).id),
    );
    const form = formModel(numberFields, typed, refused ? errorsAt('address', refused) : {});
    const replaceable = points.filter(({ channel }) => channel !== 'landline');
    const options = refused ? { status: refusalStatus(refused.kind).status } : {};
    return view('organisations/own-number.njk', { form, points: replaceable }, options);
  };
  return [
    page({
      method: 'GET',
      path: `${HOME}/number`,
      access: 'contact',
      query: z.object({ replaces: z.string().max(36).catch('') }),
      handle: async ({ actor, query }) => await show(actor, query),
    }),
    page({
      method: 'POST',
      path: `${HOME}/number`,
      access: 'contact',
      async handle({ actor, form, ip, now }) {
        const networkIndex = indexNetwork(networkOf(ip));
        const asked = await database.attempt(actor, async (tx) => {
          const points = await listOwnPoints(tx, (await ownContact(tx)).id);
          const parsed = parseNumberForm(form, points, textPermissions);
          if (!parsed.ok) return parsed;
          const offer = { ...parsed.value, networkIndex };
          return await offerNumber(tx, offer, { rules, secrets, now });
        });
        if (!asked.ok) return await show(actor, form, asked);
        return redirect(`${HOME}/number/${asked.value}`);
      },
    }),
    ...numberCodeRoutes(context),
  ];
}

function numberCodeRoutes(context: OwnRoutesContext): Route[] {
  const { database, secrets } = context;
  const show = (id: string, failed?: Failed): Reply =>
    codePage(context, {
      action: `${HOME}/number/${id}`,
      sent: 'A code is on its way there.',
      again: { href: `${HOME}/number`, text: 'Another number or address' },
      failed,
    });
  return [
    page({
      method: 'GET',
      path: `${HOME}/number/:id`,
      access: 'contact',
      params: idParams,
      handle: async ({ params }) => show(params.id),
    }),
    page({
      method: 'POST',
      path: `${HOME}/number/:id`,
      access: 'contact',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const typed = { id: params.id, code: codeOf(form) };
        // Not `attempt`: a wrong try stays counted.
        const done = await database.withActor(actor, (tx) =>
          takeNumber(tx, typed, { secrets, now }),
        );
        if (!done.ok) return show(params.id, { form, refused: done });
        return redirect(HOME, { notice: 'It is on file, and proven.' });
      },
    }),
  ];
}
