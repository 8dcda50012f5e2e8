/** The page of the schedule that asks for proof by itself. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import type { FieldErrors } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import { findApproval, shaped } from '#identity/index.ts';
import { smsText } from '#kernel/sms-text.ts';
import { fillBlanks } from '#operating-model/index.ts';
import {
  formModel,
  many,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import {
  A_DAY_MAX,
  approveSchedule,
  endSchedule,
  planSchedule,
  type ScheduleRules,
} from './schedule.ts';
import { countAskedSince, countLapsed, countUnproven, findSchedule } from './store-schedule.ts';

export type ScheduleRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: ScheduleRules;
};

const path = '/organisations/mend/schedule';
const fields = ['aDay'];
const DAY_MS = 86_400_000;
/** What a reader sees instead of an organisation and its code. */
const EXAMPLE = { organisation: 'Northmoor', code: '4821' };

export function scheduleRoutes(context: ScheduleRoutesContext): Route[] {
  const { database, model: rules } = context;
  return [
    page({
      method: 'GET',
      path,
      access: 'directory.read',
      handle: async ({ actor, now }) => await show(context, { actor, now }),
    }),
    page({
      method: 'POST',
      path,
      access: 'directory.write',
      async handle({ actor, form, now }) {
        const aDay = z.coerce.number().int().min(1).max(A_DAY_MAX).safeParse(many(form['aDay'])[0]);
        if (!aDay.success) {
          const errors = { aDay: `Enter a whole number from 1 to ${A_DAY_MAX}` };
          return await show(context, { actor, now }, { form, errors });
        }
        const planned = await database.attempt(actor, (tx) =>
          planSchedule(tx, aDay.data, { rules, now }),
        );
        return planned.ok ? redirect(path) : refusedPage(planned);
      },
    }),
    page({
      method: 'POST',
      path: `${path}/:id/approve`,
      access: 'alert.approve',
      params: z.object({ id: z.uuid() }),
      async handle({ actor, params, form, now }) {
        const shown = { id: params.id, hash: many(form['hash'])[0] ?? '' };
        const done = await database.attempt(actor, (tx) =>
          approveSchedule(tx, shown, { rules, now }),
        );
        return done.ok ? redirect(path, { notice: 'Approved: it runs.' }) : refusedPage(done);
      },
    }),
    page({
      method: 'POST',
      path: `${path}/:id/end`,
      access: 'directory.write',
      params: z.object({ id: z.uuid() }),
      async handle({ actor, params, now }) {
        const done = await database.attempt(actor, (tx) => endSchedule(tx, params.id, now));
        return done.ok ? redirect(path, { notice: 'Ended.' }) : refusedPage(done);
      },
    }),
  ];
}

async function show(
  { database, model: rules }: ScheduleRoutesContext,
  { actor, now }: { readonly actor: Actor; readonly now: Date },
  failed?: { readonly form: Form; readonly errors: FieldErrors },
): Promise<Reply> {
  const { proofHoldsForMs, askingForProof, attestation } = rules;
  return await database.withActor(actor, async (tx) => {
    const schedule = await findSchedule(tx);
    const request = schedule && (await findApproval(tx, schedule.approvalId));
    return view(
      'organisations/schedule.njk',
      {
        schedule,
        isExpired: request !== undefined && request.expiresAt <= now,
        isMine: request !== undefined && actor.kind === 'person' && shaped(request, actor.id),
        unproven: await countUnproven(tx, proofHoldsForMs),
        lapsed: await countLapsed(tx, attestation.everyMs),
        askedToday: await countAskedSince(tx, new Date(now.getTime() - DAY_MS)),
        ...wordsOf(rules),
        hour: askingForProof.hour,
        againAfterDays: Math.round(askingForProof.againAfterMs / DAY_MS),
        proofDays: Math.round(proofHoldsForMs / DAY_MS),
        attestDays: Math.round(attestation.everyMs / DAY_MS),
        aDayMax: A_DAY_MAX,
        mayPlan: may(actor, 'directory.write'),
        mayApprove: may(actor, 'alert.approve'),
        form: formModel(fields, failed?.form ?? { aDay: '50' }, failed?.errors ?? {}),
      },
      failed === undefined ? {} : { status: 422 },
    );
  });
}

/** What is sent, as an example: to whom was never proven, and to whom was. */
function wordsOf(rules: ScheduleRules) {
  const { texts, proofMail, attestation, sender, helpLine, ownDetails } = rules;
  const { purpose, notice } = ownDetails;
  const blanks = { ...EXAMPLE, sender, help_line: helpLine, purpose, notice };
  const shown = (template: string, mail: typeof proofMail, path: string) => {
    const text = fillBlanks(template, blanks);
    const [subject, body] = [mail.subject, mail.body].map((one) =>
      fillBlanks(one, { ...blanks, link: `your address${path}` }),
    );
    return { text, fragments: smsText(text).fragments, mail: { subject, body } };
  };
  return {
    words: [
      { whom: 'Whoever has not proven it yet', ...shown(texts.enrol, proofMail, '/proof') },
      {
        whom: 'Whoever has, once it is too long ago',
        ...shown(texts.stillRight, attestation.mail, '/still-right/…'),
      },
    ],
  };
}
