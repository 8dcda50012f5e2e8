/**
 * Answers by the page that texts name: the address the alert came to, and the code that came with
 * it. Those that come at the same time are dealt with together, in the same few statements.
 */
import { NOBODY } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { listContactPointsByIndex, listCutOffOf, markAnswered } from '#organisations/index.ts';
import { takeTogether, type AnswerRules } from './actions.ts';
import { listKeepers, type Kept } from './keepers.ts';
import { addTry, countTries, noteWrongCodes, refuseGuessing, type Visitor } from './guessing.ts';
import { takeTurns, type AnswerKind, type OpenMessage } from './model.ts';
import { listOpenMessages, type NewAnswer } from './store.ts';

export type TypedCode = Visitor & {
  /** The number in the address of the page, or typed. */
  readonly alertNumber: number;
  readonly channel: 'text' | 'mail';
  readonly code: string;
};

export type CodeAnswer = TypedCode & {
  readonly kind: AnswerKind;
  /** Some of those that the message stood for; absent: all of them. */
  readonly organisationIds?: readonly string[];
};

/** An answer that was taken, and from which address. */
export type Taken = {
  readonly alertId: string;
  /** Those that it counts for, in order. */
  readonly organisationIds: readonly string[];
  readonly contactPointId: string;
  /** By the id of the organisation, such as "Northmoor". */
  readonly shortNames: Readonly<Record<string, string>>;
};

/** The message that an address and a code belong to. */
export type Opened = { readonly message: OpenMessage; readonly pointId: string };

/**
 * The messages whose address and code belong together; nothing is answered. Whatever is wrong, the
 * words, the count and the work are the same, so that nobody learns which numbers we know or which
 * alerts there are (P8). Not by `attempt`: a wrong try has to be kept.
 */
export async function openWithCodes(
  tx: Tx,
  typed: readonly TypedCode[],
): Promise<Outcome<Opened>[]> {
  const tries = await countTries(tx, typed);
  const meanings = await findMeanings(tx, typed);
  const wrong: TypedCode[] = [];
  const outcomes = typed.map((one, i): Outcome<Opened> => {
    const tooMany = refuseGuessing(tries, one);
    if (tooMany !== undefined) return tooMany;
    const meant = meanings[i];
    if (meant !== undefined) return meant.message.organisationIds.length > 0 ? ok(meant) : cutOff;
    // Whoever comes next may have one try less.
    addTry(tries, one);
    wrong.push(one);
    return refused('invalid', 'That address and code do not belong together.', {
      code: 'Check the address the alert came to and the four digits that came with it',
    });
  });
  if (wrong.length > 0) await noteWrongCodes(tx, wrong);
  return outcomes;
}

/** Takes the answers of those that open; says for which organisations, in their order. */
export async function answerWithCodes(
  tx: Tx,
  rules: AnswerRules,
  answers: readonly CodeAnswer[],
): Promise<Outcome<Taken>[]> {
  const opened = await openWithCodes(tx, answers);
  const meanings = answers.map((answer, i): Outcome<OwnAnswer> => {
    const one = opened[i]!;
    return one.ok ? newAnswerOf(answer, one.value) : one;
  });
  const right = meanings.filter((one) => one.ok).map(({ value }) => value);
  const namesOf = await takeAll(tx, rules, right);
  return meanings.map((one) => {
    if (!one.ok) return one;
    const shortNames = namesOf.get(one.value);
    return shortNames === undefined
      ? refused('not_found', 'This alert was not sent to that organisation.')
      : ok({ ...one.value, shortNames });
  });
}

/**
 * The same, and what the page says to those that were taken. In the transaction of the answers: one
 * of its own would wait in line again, and read no later than this.
 */
export async function answerAndThank(
  tx: Tx,
  rules: AnswerRules,
  answers: readonly CodeAnswer[],
): Promise<Outcome<Kept>[]> {
  const taken = await answerWithCodes(tx, rules, answers);
  const right = taken.filter((one) => one.ok).map(({ value }) => value);
  const kept = (await listKeepers(tx, right)).values();
  return taken.map((one) => (one.ok ? ok(kept.next().value!) : one));
}

/** What each of them means: the message that its code came with; undefined where there is none. */
async function findMeanings(tx: Tx, typed: readonly TypedCode[]): Promise<(Opened | undefined)[]> {
  const indexes = typed.map(({ addressIndex }) => addressIndex);
  const points = await listContactPointsByIndex(tx, ['text', 'mail'], indexes);
  const pointIds = typed.map(
    (one) => points.find(({ addressIndex }) => addressIndex.equals(one.addressIndex))?.id ?? NOBODY,
  );
  const open = await listOpenMessages(tx, pointIds);
  const told = open.flatMap(({ organisationIds }) => organisationIds);
  // Asked also where nobody was told: a statement less would tell which numbers we know.
  const shut = new Set(await listCutOffOf(tx, told));
  return typed.map((one, i) => {
    const message = open.find(
      ({ contactPointId, alertNumber, code }) =>
        contactPointId === pointIds[i] && alertNumber === one.alertNumber && code === one.code,
    );
    // Whoever reads the mail of one that is cut off knows its code: it opens nothing for it.
    const organisationIds = message?.organisationIds.filter((id) => !shut.has(id)) ?? [];
    return message && { message: { ...message, organisationIds }, pointId: message.contactPointId };
  });
}

/** Said to whoever has both right: that its code counts for nothing now is no secret to them. */
const cutOff = refused(
  'conflict',
  'Answers by this page are not taken for your organisation now. Text, or ring us.',
  { code: 'Answers by this page are not taken for your organisation now. Text, or ring us' },
);

/** The names of the organisations of those that were taken: of which all are among the recipients. */
async function takeAll(
  tx: Tx,
  rules: AnswerRules,
  right: readonly OwnAnswer[],
): Promise<Map<OwnAnswer, Taken['shortNames']>> {
  const namesOf = new Map<OwnAnswer, Taken['shortNames']>();
  for (const turn of takeTurns(right, ({ organisationIds }) => organisationIds)) {
    const taken = await takeTogether(tx, rules, turn);
    turn.forEach((answer, i) => taken[i] && namesOf.set(answer, taken[i].shortNames));
    const answered = turn.filter((answer) => namesOf.has(answer));
    await markAnswered(
      tx,
      answered.map(({ contactPointId }) => ({ contactPointId, withCode: true })),
    );
  }
  return namesOf;
}

type OwnAnswer = NewAnswer & Omit<Taken, 'shortNames'>;

function newAnswerOf(
  { kind, organisationIds: chosen }: CodeAnswer,
  { message, pointId }: Opened,
): Outcome<OwnAnswer> {
  const { alertId } = message;
  const organisationIds = message.organisationIds.filter((id) => chosen?.includes(id) ?? true);
  if (organisationIds.length === 0) {
    const why = 'Choose for whom you answer';
    return refused('invalid', why, { organisation: why });
  }
  const evidence = 'link_with_code';
  const written = { recordedBy: null, note: null };
  return ok({ alertId, organisationIds, kind, evidence, contactPointId: pointId, ...written });
}
