/**
 * The page behind the code: whoever typed the address an alert came to and the code that came with
 * it reads as a contact of those organisations, up to what the operating model lets such a page
 * show, and answers by one more press. The form carries address and code along: nothing is kept
 * for whoever came, so there is nothing to end and nothing to steal.
 */
import type { Actor } from '#kernel/actor.ts';
import { within } from '#kernel/marking.ts';
import type { Refused } from '#kernel/outcome.ts';
import type { Database } from '#db/database.ts';
import { findPublicAlert, publicWords } from '#alerts/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { formModel, many, view, type Form, type Reply } from '#web/index.ts';
import type { Opened } from './code-answers.ts';
import { listStandings, type Standing } from './store-opened.ts';

export type CodePageContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  /** Where the page is, such as `https://cyber.example`. */
  readonly origin: string;
};

export async function showOpened(
  { database, model, origin }: CodePageContext,
  { message, pointId }: Opened,
  { form, refused }: { readonly form: Form; readonly refused: Refused | undefined },
): Promise<Reply> {
  const { alertId, alertNumber: number, organisationIds } = message;
  const contact: Actor = { kind: 'contact', id: pointId, organisationIds };
  const alert = await database.withActor(contact, (tx) => findPublicAlert(tx, number));
  const isShown =
    alert !== undefined && within(alert.current.marking, model.markingCeilings.linkWithCode);
  const words = isShown && publicWords(alert, alert.current, { model, host: new URL(origin).host });
  const organisations = await database.withActor({ kind: 'system', name: 'answer page' }, (tx) =>
    listStandings(tx, alertId, organisationIds),
  );
  const chosen = new Set(
    refused === undefined ? unanswered(organisations) : many(form['organisation']),
  );
  const typed = { address: form['address'], code: form['code'] };
  return view(
    'responses/code-page.njk',
    {
      number,
      ...(words || { alert: undefined }),
      organisations,
      items: organisations.map(({ organisationId, shortName }) => ({
        value: organisationId,
        text: shortName,
        checked: chosen.has(organisationId),
      })),
      helpLine: model.helpLine,
      form: formModel(['address', 'code', 'organisation'], typed, refused?.fields),
    },
    refused === undefined ? {} : { status: 422 },
  );
}

/** Those for whom nobody has answered yet; all of them where everybody has. */
function unanswered(organisations: readonly Standing[]): string[] {
  const open = organisations.filter(({ acknowledgedAt }) => acknowledgedAt === null);
  return (open.length > 0 ? open : organisations).map(({ organisationId }) => organisationId);
}
