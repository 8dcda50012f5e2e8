/** How contacts come to their own details, and leave them: a code by text or mail, no password. */
import { z } from 'zod';
import { newId } from '#kernel/ids.ts';
import { networkOf } from '#kernel/ip-network.ts';
import type { Refused } from '#kernel/outcome.ts';
import { blindIndex } from '#kernel/sealed.ts';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import {
  errorsAt,
  formModel,
  many,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { codeOf, parseOwnAddress } from './form-own.ts';
import type { DirectorySecrets } from '../imports/import-options.ts';
import type { ContactRules } from '../model.ts';
import type { TroubleRules } from '../proof/trouble.ts';
import {
  listOpenOrganisations,
  askForCode,
  CODE_LIFE_MS,
  CODE_SESSION_MS,
  endOwnSession,
  openOwnSession,
  switchContact,
  type OwnDetailsRules,
} from './own-session.ts';
import { type PointOrganisation } from '../contacts/store-points.ts';
import { findPointOfSession } from './store-own.ts';
import type { TextPermissions } from '../imports/parse-contact.ts';

export type OwnRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: ContactRules &
    OwnDetailsRules &
    Pick<TroubleRules, 'proofHoldsForMs' | 'attestation'>;
  readonly secrets: DirectorySecrets;
  /** Of a visitor's network: so that codes are counted and no address of anybody is kept. */
  readonly indexNetwork: (network: string) => Buffer;
  readonly textPermissions?: TextPermissions;
};

/** Many people sit behind one address of their organisation's network. */
const POSTS_PER_MINUTE_MAX = 60;

const HOME = '/your-details';
const idParams = z.object({ id: z.uuid() });

export function ownSessionRoutes(context: OwnRoutesContext): Route[] {
  return [...askRoutes(context), ...codeRoutes(context), ...whoRoutes(context)];
}

type Failed = { readonly form: Form; readonly refused: Refused };

function statusOf(failed: Failed | undefined): { status?: number } {
  if (failed === undefined) return {};
  const { kind } = failed.refused;
  return { status: kind === 'forbidden' ? 429 : refusalStatus(kind).status };
}

function askRoutes(context: OwnRoutesContext): Route[] {
  const { database, model: rules, secrets, indexNetwork } = context;
  const show = (failed?: Failed): Reply => {
    const errors = failed ? errorsAt('address', failed.refused) : {};
    const form = formModel(['address'], failed?.form, errors);
    const { notice } = rules.ownDetails;
    const words = { form, helpLine: rules.helpLine, notice };
    return view('organisations/own-sign-in.njk', words, statusOf(failed));
  };
  return [
    page({
      method: 'GET',
      path: `${HOME}/sign-in`,
      access: 'public',
      handle: async () => show(),
    }),
    page({
      method: 'POST',
      path: `${HOME}/sign-in`,
      access: 'public',
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      async handle({ form, ip, now }) {
        const typed = parseOwnAddress(form);
        if (!typed.ok) return show({ form, refused: typed });
        const { channel, normalised } = typed.value;
        const asking = {
          id: newId(now.getTime()),
          channel,
          addressIndex: blindIndex(secrets.blindIndexKey, channel, normalised),
          networkIndex: indexNetwork(networkOf(ip)),
        };
        const asked = await askForCode(database, asking, { rules, now });
        if (!asked.ok) return show({ form, refused: asked });
        return redirect(`${HOME}/code/${asking.id}`);
      },
    }),
  ];
}

function codeRoutes(context: OwnRoutesContext): Route[] {
  const { database, model, secrets } = context;
  const show = (id: string, failed?: Failed): Reply =>
    codePage(context, {
      action: `${HOME}/code/${id}`,
      sent: 'If we have it, a code is on its way.',
      again: { href: `${HOME}/sign-in`, text: 'Ask for a new code' },
      failed,
    });
  return [
    page({
      method: 'GET',
      path: `${HOME}/code/:id`,
      access: 'public',
      params: idParams,
      handle: async ({ params }) => show(params.id),
    }),
    page({
      method: 'POST',
      path: `${HOME}/code/:id`,
      access: 'public',
      params: idParams,
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      async handle({ params, form, now }) {
        const contactId = many(form['contact'])[0] ?? '';
        const typed = { id: params.id, code: codeOf(form), contactId };
        const opened = await openOwnSession(database, typed, { secrets, now });
        if (!opened.ok) return show(params.id, { form, refused: opened });
        if ('choices' in opened.value) {
          const action = `${HOME}/code/${params.id}`;
          const hidden = [{ name: 'code', value: typed.code }];
          const isUnchosen = many(form['chosen'])[0] !== undefined;
          return whoPage(model, opened.value.choices, { action, hidden, isUnchosen });
        }
        return redirect(HOME, { session: sessionOf(opened.value.token, CODE_SESSION_MS) });
      },
    }),
  ];
}

function sessionOf(start: string, lifeMs: number) {
  return { start, maxAgeSeconds: Math.floor(lifeMs / 1000), of: 'contact' as const };
}

/** Where the six digits are typed. */
export function codePage(
  { model }: Pick<OwnRoutesContext, 'model'>,
  asked: {
    readonly action: string;
    /** What became of the code. */
    readonly sent: string;
    readonly again: { readonly href: string; readonly text: string };
    readonly failed?: Failed | undefined;
  },
): Reply {
  const { action, sent, again, failed } = asked;
  const errors = failed ? errorsAt('code', failed.refused) : {};
  const form = formModel(['code'], {}, errors);
  const minutes = CODE_LIFE_MS / 60_000;
  const words = { action, sent, again, form, minutes, helpLine: model.helpLine };
  return view('organisations/own-code.njk', words, statusOf(failed));
}

function whoPage(
  { contactRoles }: ContactRules,
  choices: readonly PointOrganisation[],
  asked: {
    readonly action: string;
    readonly hidden: readonly { readonly name: string; readonly value: string }[];
    readonly isUnchosen: boolean;
  },
): Reply {
  const errors = asked.isUnchosen ? { contact: 'Choose who you are' } : {};
  const options = asked.isUnchosen ? { status: 422 } : {};
  return view(
    'organisations/own-who.njk',
    {
      ...asked,
      form: formModel(['contact'], {}, errors),
      choices: choices.map((one) => ({
        ...one,
        roleLabel: contactRoles[one.role]?.label ?? one.role,
      })),
    },
    options,
  );
}

/** Others with the same number, and the way out. */
function whoRoutes({ database, model }: OwnRoutesContext): Route[] {
  const choose = async (sessionId: string, isUnchosen: boolean): Promise<Reply> => {
    const choices = await database.withActor(system('own details'), async (tx) => {
      const pointId = await findPointOfSession(tx, sessionId);
      return pointId === undefined ? [] : await listOpenOrganisations(tx, pointId);
    });
    return whoPage(model, choices, { action: `${HOME}/who`, hidden: [], isUnchosen });
  };
  return [
    page({
      method: 'GET',
      path: `${HOME}/who`,
      access: 'contact',
      handle: async ({ session }) => await choose(session!.id, false),
    }),
    page({
      method: 'POST',
      path: `${HOME}/who`,
      access: 'contact',
      async handle({ session, form, now }) {
        const contactId = many(form['contact'])[0];
        if (contactId === undefined) return await choose(session!.id, true);
        const chosen = { sessionId: session!.id, contactId };
        const done = await switchContact(database, chosen, now);
        if (!done.ok) return refusedPage(done);
        const { token, openedAt } = done.value;
        const left = openedAt.getTime() + CODE_SESSION_MS - now.getTime();
        return redirect(HOME, { session: sessionOf(token, left) });
      },
    }),
    page({
      method: 'POST',
      path: `${HOME}/sign-out`,
      access: 'contact',
      async handle({ session, actor, now }) {
        if (actor.kind === 'contact')
          await endOwnSession(database, { id: session!.id, contactId: actor.id }, now);
        const notice = 'You are signed out.';
        return redirect(`${HOME}/sign-in`, { notice, session: 'end-contact' });
      },
    }),
  ];
}
