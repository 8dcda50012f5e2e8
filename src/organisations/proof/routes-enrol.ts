/** Asking for the proof of a number, and the page on how to let its texts ring through. */
import { z } from 'zod';
import type { Database } from '#db/database.ts';
import {
  file,
  many,
  page,
  redirect,
  refusedPage,
  sameSitePath,
  view,
  type Route,
} from '#web/index.ts';
import { contactCard } from '../contacts/contact-card.ts';
import { telephoneLink } from '../form-organisation.ts';
import { askForProof, type Asked, type EnrolmentRules } from './enrol.ts';

export type EnrolmentRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: EnrolmentRules & {
    readonly contactCard: { readonly name: string; readonly numbers: readonly string[] };
  };
};

export function enrolmentRoutes({ database, model }: EnrolmentRoutesContext): Route[] {
  const { name, numbers } = model.contactCard;
  return [
    page({
      method: 'POST',
      path: '/organisations/:id/enrol',
      access: 'directory.write',
      params: z.object({ id: z.uuid() }),
      async handle({ actor, params, form, now }) {
        const pointId = z.uuid().safeParse(many(form['point'])[0]).data ?? null;
        const asking = { organisationId: params.id, pointId };
        const asked = await database.attempt(actor, (tx) => askForProof(tx, asking, now));
        if (!asked.ok) return refusedPage(asked);
        const back = sameSitePath(form['back'], `/organisations/${params.id}`);
        return redirect(back, { notice: noticeOf(asked.value) });
      },
    }),
    page({
      method: 'GET',
      path: '/ring-through',
      access: 'public',
      handle: async () =>
        view('organisations/ring-through.njk', {
          name,
          numbers: numbers.map((shown) => ({ shown, link: telephoneLink(shown) })),
          helpLine: model.helpLine,
        }),
    }),
    page({
      method: 'GET',
      path: '/ring-through.vcf',
      access: 'public',
      handle: async () =>
        file('alerts.vcf', 'text/vcard; charset=utf-8', contactCard(name, numbers)),
    }),
  ];
}

function noticeOf({ asked, tooSoon }: Asked): string {
  const done =
    asked === 0 ? 'Nobody was asked.' : `${asked} asked: proven when the code comes back.`;
  return tooSoon === 0
    ? done
    : `${done} ${tooSoon} had a message a few minutes ago: wait for the answer.`;
}
