/**
 * “Is this text genuine?” Whoever shows the number of the alert, the code and the address it came
 * to hears when we sent it: no organisation is named, and nothing is answered by asking. Without
 * the address we say whether the alert is ours, and never that the text is: there are 9,000 codes,
 * and a wide alert uses most of them.
 */
import { nobody, system } from '#kernel/actor.ts';
import { networkOf } from '#kernel/ip-network.ts';
import { ok, refused, type Refused } from '#kernel/outcome.ts';
import { findPublicAlert, PUBLIC_FOR_SECONDS } from '#alerts/index.ts';
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

const typedFields = ['alert', 'code', 'address'] as const;

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
        const { alertNumber, told } = typed.value;
        if (told === undefined) return await showKnown(context, { form, alertNumber });
        const networkIndex = context.indexNetwork(networkOf(ip));
        const visitor = { networkIndex, alertNumber, ...told };
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

/** `told`: the address it came to, with its code; undefined where none was typed. */
function parseDoubt(form: Form, context: PublicRoutesContext) {
  const typed = parseAddressAndCode(form, context);
  const number = (many(form['alert'])[0] ?? '').replaceAll(/\s/g, '');
  const isAddressed = (many(form['address'])[0] ?? '').trim() !== '';
  const { address, ...others } = typed.ok ? {} : typed.fields;
  const errors = {
    ...(!/^[1-9]\d{0,7}$/.test(number) && { alert: 'Enter the number of the alert, such as 4901' }),
    ...(isAddressed && address && { address }),
    ...others,
  };
  if (Object.keys(errors).length > 0)
    return refused('invalid', 'Put right what is marked below.', errors);
  return ok({ alertNumber: Number(number), told: typed.ok ? typed.value : undefined });
}

/** An alert that is not there and one that is not public look the same (P8). */
async function showKnown(
  { database, model }: PublicRoutesContext,
  { form, alertNumber }: { readonly form: Form; readonly alertNumber: number },
): Promise<Reply> {
  const alert = await database.withActor(nobody, (tx) => findPublicAlert(tx, alertNumber));
  return view('responses/genuine.njk', {
    form: formModel(typedFields, form),
    helpLine: model.helpLine,
    unaddressed: { number: alertNumber, releasedAt: alert?.current.releasedAt },
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
  const form = formModel(typedFields, failed?.form, errors);
  const model = { form, helpLine, isForeign };
  if (failed === undefined)
    return view('responses/genuine.njk', model, { publicForSeconds: PUBLIC_FOR_SECONDS });
  const status = failed.refused.kind === 'forbidden' ? 429 : 422;
  return view('responses/genuine.njk', model, { status });
}
