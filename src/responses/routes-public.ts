/** The page that texts name: what anybody may read, and for who has the code the rest. */
import { z } from 'zod';
import { nobody } from '#kernel/actor.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { networkOf } from '#kernel/ip-network.ts';
import { parsePhoneNumber } from '#kernel/phone-number.ts';
import { refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import { Together } from '#db/together.ts';
import { findPublicAlert, PUBLIC_FOR_SECONDS, publicWords } from '#alerts/index.ts';
import { formModel, many, page, view, type Form, type Reply, type Route } from '#web/index.ts';
import {
  answerAndThank,
  openWithCodes,
  type CodeAnswer,
  type Opened,
  type TypedCode,
} from './code-answers.ts';
import { kindOf, showCodePage, type CodePageContext } from './code-page.ts';
import type { Kept } from './keepers.ts';
import type { AnswerKind } from './model.ts';

export type PublicRoutesContext = CodePageContext & {
  readonly indexAddress: (channel: 'text' | 'mail', normalised: string) => Buffer;
  /** Of a visitor's network: so that tries are counted and no address of anybody is kept. */
  readonly indexNetwork: (network: string) => Buffer;
};

const numberParams = z.object({
  number: z
    .string()
    .regex(/^[1-9]\d{0,7}$/)
    .transform(Number),
});

/**
 * Posts of one network in a minute. In a wide alert hundreds of organisations may sit behind one
 * address of their shared network: this only keeps a flood out; guessing is counted apart.
 */
const POSTS_PER_MINUTE_MAX = 300;

const answerPage = { kind: 'system', name: 'answer page' } as const;

/** The address that texts and mails name. Whoever may not read the alert still may answer it. */
export function publicRoutes(context: PublicRoutesContext): Route[] {
  const { database } = context;
  const actorOf = () => answerPage;
  const opening = new Together<TypedCode, Outcome<Opened>>({
    database,
    actorOf,
    act: openWithCodes,
  });
  const answering = new Together<CodeAnswer, Outcome<Kept>>({
    database,
    actorOf,
    act: (tx, answers) => answerAndThank(tx, context.model, answers),
  });
  return [
    page({
      method: 'GET',
      path: '/:number',
      access: 'nobody',
      params: numberParams,
      handle: async ({ params }) => await showPublic(context, params.number),
    }),
    page({
      method: 'POST',
      path: '/:number',
      access: 'nobody',
      params: numberParams,
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      async handle({ params: { number }, form, ip }) {
        const read = parseAddressAndCode(form, context);
        if (!read.ok) return await showPublic(context, number, { form, refused: read });
        const networkIndex = context.indexNetwork(networkOf(ip));
        const typed = { alertNumber: number, networkIndex, ...read.value };
        const kind = kindOf(form);
        let failed: Refused | undefined;
        if (kind !== undefined) {
          const answered = await answering.do({ ...typed, kind, ...chosenIn(form) });
          if (answered.ok) return thank(context, { number, kind, form }, answered.value);
          const isUnticked = answered.fields['organisation'] !== undefined;
          if (!isUnticked) return await showPublic(context, number, { form, refused: answered });
          failed = answered;
        }
        const opened = await opening.do(typed);
        if (!opened.ok) return await showPublic(context, number, { form, refused: opened });
        return await showOpened(context, opened.value, { form, refused: failed });
      },
    }),
  ];
}

/** Which address was told, and the code that came with it, from a form of a public page. */
export function parseAddressAndCode(
  form: Form,
  context: Pick<PublicRoutesContext, 'indexAddress'>,
) {
  const address = (many(form['address'])[0] ?? '').trim();
  // As people read four digits aloud: 48 21.
  const code = (many(form['code'])[0] ?? '').replaceAll(/\s/g, '');
  const isMail = address.includes('@');
  const parsed = isMail ? parseEmailAddress(address) : parsePhoneNumber(address);
  const errors = {
    ...(!parsed.ok && { address: 'Enter the mobile number or mail address the message came to' }),
    ...(!/^\d{4}$/.test(code) && { code: 'Enter the four digits that came with it' }),
  };
  if (!parsed.ok || Object.keys(errors).length > 0)
    return refused('invalid', 'Put right what is marked below.', errors);
  const channel = isMail ? ('mail' as const) : ('text' as const);
  const normalised = typeof parsed.value === 'string' ? parsed.value : parsed.value.e164;
  const addressIndex = context.indexAddress(channel, normalised);
  return { ok: true as const, value: { channel, addressIndex, code } };
}

/** With several organisations the form names those that were ticked; with one it has no boxes. */
function chosenIn(form: Form): { readonly organisationIds?: readonly string[] } {
  return form['boxes'] === undefined ? {} : { organisationIds: many(form['organisation']) };
}

async function showOpened(
  context: PublicRoutesContext,
  { message, pointId }: Opened,
  { form, refused: why }: { readonly form: Form; readonly refused: Refused | undefined },
): Promise<Reply> {
  const { alertId, alertNumber: number, exercise, organisationIds } = message;
  const carried = ['address', 'code'].map((name) => ({ name, value: many(form[name])[0] ?? '' }));
  return await showCodePage(context, {
    actor: { kind: 'contact', id: pointId, organisationIds },
    alertId,
    number,
    isExercise: exercise,
    action: `/${number}`,
    hidden: carried,
    failed: why && { form, refused: why },
  });
}

function thank(
  { model }: PublicRoutesContext,
  answer: { readonly number: number; readonly kind: AnswerKind; readonly form: Form },
  kept: Kept,
): Reply {
  const { number, kind, form } = answer;
  return view('responses/answered.njk', {
    number,
    kind,
    helpLine: model.helpLine,
    roles: model.contactRoles,
    form: formModel(['address', 'code'], form),
    ...kept,
  });
}

async function showPublic(
  { database, model, origin }: PublicRoutesContext,
  number: number,
  failed?: { form: Form; refused: Refused },
): Promise<Reply> {
  // As nobody: row-level security lets through what is released and marked CLEAR, nothing else. An
  // alert that is not there and one that is not public look the same (P8).
  const alert = await database.withActor(nobody, (tx) => findPublicAlert(tx, number));
  const words = alert && publicWords(alert, alert.current, { model, host: new URL(origin).host });
  const errors = failed?.refused.fields ?? {};
  const shown =
    Object.keys(errors).length === 0 && failed ? { code: failed.refused.message } : errors;
  const status = failed?.refused.kind === 'forbidden' ? 429 : 422;
  return view(
    'responses/alert-page.njk',
    {
      number,
      ...words,
      helpLine: model.helpLine,
      form: formModel(['address', 'code'], failed?.form, shown),
    },
    // Also where there is nothing to read: caches must not tell which numbers there are.
    failed === undefined ? { publicForSeconds: PUBLIC_FOR_SECONDS } : { status },
  );
}
