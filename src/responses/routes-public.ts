/** The public page on which anybody with the code that came with the alert answers. */
import { z } from 'zod';
import { nobody } from '#kernel/actor.ts';
import { parseEmailAddress } from '#kernel/email-address.ts';
import { networkOf } from '#kernel/ip-network.ts';
import { parsePhoneNumber } from '#kernel/phone-number.ts';
import { ok, refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import { Together } from '#db/together.ts';
import { findPublicAlert, PUBLIC_FOR_SECONDS, publicWords } from '#alerts/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { formModel, many, page, view, type Form, type Reply, type Route } from '#web/index.ts';
import { answerWithCodes, type CodeAnswer, type Taken } from './code-answers.ts';
import { listKeepers } from './keepers.ts';
import { answerKinds, type AnswerKind } from './model.ts';

export type PublicRoutesContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  /** Where the page is, such as `https://cyber.example`. */
  readonly origin: string;
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
  const together = new Together<CodeAnswer, Outcome<Taken>>({
    database,
    actorOf: () => answerPage,
    act: (tx, answers) => answerWithCodes(tx, context.model, answers),
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
      async handle({ params, form, ip }) {
        const answer = parseCodeAnswer(form, context);
        if (!answer.ok) return await showPublic(context, params.number, { form, refused: answer });
        const done = await together.do({
          alertNumber: params.number,
          networkIndex: context.indexNetwork(networkOf(ip)),
          ...answer.value,
        });
        if (!done.ok) return await showPublic(context, params.number, { form, refused: done });
        const { helpLine, contactRoles } = context.model;
        return view('responses/answered.njk', {
          number: params.number,
          kind: answer.value.kind,
          helpLine,
          roles: contactRoles,
          ...(await database.withActor(answerPage, (tx) => listKeepers(tx, done.value))),
        });
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

function parseCodeAnswer(form: Form, context: PublicRoutesContext) {
  const typed = parseAddressAndCode(form, context);
  const kind = many(form['kind'])[0] as AnswerKind;
  if (answerKinds.includes(kind)) return typed.ok ? ok({ ...typed.value, kind }) : typed;
  const errors = { ...(!typed.ok && typed.fields), kind: 'Choose your answer' };
  return refused('invalid', 'Put right what is marked below.', errors);
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
      form: formModel(['address', 'code', 'kind'], failed?.form, shown),
    },
    // Also where there is nothing to read: caches must not tell which numbers there are.
    failed === undefined ? { publicForSeconds: PUBLIC_FOR_SECONDS } : { status },
  );
}
