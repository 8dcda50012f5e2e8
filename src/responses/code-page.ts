/**
 * An alert as a contact reads it who came by a code, up to what the operating model lets such a
 * page show, with a button for each answer. Whoever typed the address an alert came to and the code
 * that came with it carries both along in the form: nothing is kept for them, so there is nothing
 * to end and nothing to steal. Whoever came by a one-time code has a session.
 */
import { system, type Actor } from '#kernel/actor.ts';
import { within } from '#kernel/marking.ts';
import type { Refused } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import { record } from '#audit/index.ts';
import { findPublicAlert, publicWords } from '#alerts/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { formModel, many, refusalStatus, view, type Form, type Reply } from '#web/index.ts';
import { listKeepers, type Keeper } from './keepers.ts';
import { answerKinds, type AnswerKind } from './model.ts';
import { insertOpenings, listStandings, type Standing } from './store-opened.ts';

export type CodePageContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  /** Where the page is, such as `https://cyber.example`. */
  readonly origin: string;
};

export type CodePage = {
  readonly actor: Actor & { readonly kind: 'contact' };
  readonly alertId: string;
  readonly number: number;
  /** Said also where the words may not be shown. */
  readonly isExercise?: boolean;
  /** Where the answer goes, and what the form carries along. */
  readonly action: string;
  readonly hidden: readonly { readonly name: string; readonly value: string }[];
  readonly back?: { readonly href: string; readonly text: string };
  /** After a refusal: why, and what was posted. */
  readonly failed?: { readonly form: Form; readonly refused: Refused } | undefined;
};

/** What this contact reads of the alert, and its buttons. */
export async function showCodePage(
  { database, model, origin }: CodePageContext,
  { actor, alertId, number, failed, ...shown }: CodePage,
): Promise<Reply> {
  const alert = await database.withActor(actor, (tx) => findPublicAlert(tx, number));
  const isShown =
    alert !== undefined && within(alert.current.marking, model.markingCeilings.linkWithCode);
  const words = isShown && publicWords(alert, alert.current, { model, host: new URL(origin).host });
  const organisations = await database.withActor(system('answer page'), async (tx) => {
    await noteOpened(tx, actor, alertId);
    const standings = await listStandings(tx, alertId, actor.organisationIds);
    return await withKeepers(tx, standings, { alertId, contactPointId: actor.id });
  });
  const chosen = new Set(
    failed === undefined ? unanswered(organisations) : many(failed.form['organisation']),
  );
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
      back: undefined,
      roles: model.contactRoles,
      ...shown,
      helpLine: model.helpLine,
      form: formModel(['organisation'], failed?.form, failed?.refused.fields),
    },
    failed === undefined ? {} : { status: refusalStatus(failed.refused.kind).status },
  );
}

/** Opened, unconfirmed: whoever rings them knows that somebody has seen it. No answer (P7). */
async function noteOpened(tx: Tx, by: CodePage['actor'], alertId: string): Promise<void> {
  const organisationIds = await insertOpenings(tx, alertId, by.organisationIds);
  if (organisationIds.length === 0) return;
  await record(tx, {
    action: 'alert.opened',
    subject: { kind: 'alert', id: alertId },
    detail: { organisationIds, contactPointId: by.id },
  });
}

/** With who has it in hand, where somebody has answered. */
async function withKeepers(
  tx: Tx,
  standings: readonly Standing[],
  asking: { readonly alertId: string; readonly contactPointId: string },
): Promise<(Standing & { readonly keeper: Keeper | undefined })[]> {
  const answered = standings.filter(({ acknowledgedAt }) => acknowledgedAt !== null);
  if (answered.length === 0) return standings.map((one) => ({ ...one, keeper: undefined }));
  const [kept] = await listKeepers(tx, [
    {
      ...asking,
      organisationIds: answered.map(({ organisationId }) => organisationId),
      shortNames: Object.fromEntries(
        answered.map(({ organisationId, shortName }) => [organisationId, shortName]),
      ),
    },
  ]);
  return standings.map((one) => ({
    ...one,
    keeper: kept!.keepers.find(({ organisationId }) => organisationId === one.organisationId),
  }));
}

/** The button that was pressed; undefined: to read first. */
export function kindOf(form: Form): AnswerKind | undefined {
  const [pressed] = many(form['kind']);
  return answerKinds.find((kind) => kind === pressed);
}

/** Those for whom nobody has answered yet; all of them where everybody has. */
function unanswered(organisations: readonly Standing[]): string[] {
  const open = organisations.filter(({ acknowledgedAt }) => acknowledgedAt === null);
  return (open.length > 0 ? open : organisations).map(({ organisationId }) => organisationId);
}
