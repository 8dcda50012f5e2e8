/**
 * “Is this text genuine?” Whoever shows the address it came to, the number of the alert and the
 * code hears when we sent it: no organisation is named, and nothing is answered by asking. Without
 * the address it would say nothing: there are 9,000 codes, and a wide alert uses most of them.
 */
import { system } from '#kernel/actor.ts';
import { networkOf } from '#kernel/ip-network.ts';
import { refused, type Refused } from '#kernel/outcome.ts';
import { PUBLIC_FOR_SECONDS } from '#alerts/index.ts';
import {
  errorsAt,
  formModel,
  many,
  page,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { openWithCodes } from './code-answers.ts';
import { parseAddressAndCode, type PublicRoutesContext } from './routes-public.ts';

/** Some who doubt the same text, behind one address of their organisation's network. */
const POSTS_PER_MINUTE_MAX = 60;

export function genuineRoutes(context: PublicRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/genuine',
      access: 'nobody',
      handle: async () => askPage(model.helpLine),
    }),
    page({
      method: 'POST',
      path: '/genuine',
      access: 'nobody',
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      async handle({ form, ip }) {
        const typed = parseDoubt(form, context);
        if (!typed.ok) return askPage(model.helpLine, { form, refused: typed, isForeign: false });
        const visitor = { networkIndex: context.indexNetwork(networkOf(ip)), ...typed.value };
        const [opened] = await database.withActor(system('genuine page'), (tx) =>
          openWithCodes(tx, [visitor]),
        );
        if (!opened!.ok)
          return askPage(model.helpLine, {
            form,
            refused: opened!,
            isForeign: opened!.kind === 'invalid',
          });
        const { message } = opened!.value;
        return view('responses/genuine-yes.njk', {
          number: message.alertNumber,
          isExercise: message.exercise,
          sentAt: message.sentAt,
          helpLine: model.helpLine,
          form: formModel(['address', 'code'], form),
        });
      },
    }),
  ];
}

function parseDoubt(form: Form, context: PublicRoutesContext) {
  const typed = parseAddressAndCode(form, context);
  const number = (many(form['alert'])[0] ?? '').replaceAll(/\s/g, '');
  if (/^[1-9]\d{0,7}$/.test(number))
    return typed.ok
      ? { ok: true as const, value: { ...typed.value, alertNumber: Number(number) } }
      : typed;
  return refused('invalid', 'Put right what is marked below.', {
    alert: 'Enter the number of the alert, such as 4901',
    ...(!typed.ok && typed.fields),
  });
}

function askPage(
  helpLine: string,
  failed?: {
    readonly form: Form;
    readonly refused: Refused;
    /** What was typed makes sense, and we did not send it. */
    readonly isForeign: boolean;
  },
): Reply {
  const isForeign = failed?.isForeign ?? false;
  // That it is not ours is the answer, and no mistake in a field.
  const errors = failed === undefined || isForeign ? {} : errorsAt('code', failed.refused);
  const form = formModel(['alert', 'address', 'code'], failed?.form, errors);
  const model = { form, helpLine, isForeign };
  if (failed === undefined)
    return view('responses/genuine.njk', model, { publicForSeconds: PUBLIC_FOR_SECONDS });
  const status = failed.refused.kind === 'forbidden' ? 429 : 422;
  return view('responses/genuine.njk', model, { status });
}
