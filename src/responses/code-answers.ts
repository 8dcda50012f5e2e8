/**
 * Answers by the page that texts name: the address the alert came to, and the code that came with
 * it. Those that come at the same time are dealt with together, in the same few statements.
 */
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { listContactPointsByIndex, markAnswered, type ContactPoint } from '#organisations/index.ts';
import { takeTogether, type AnswerRules } from './actions.ts';
import {
  addTry,
  countTries,
  NOBODY,
  noteWrongCodes,
  refuseGuessing,
  type Visitor,
} from './guessing.ts';
import { takeTurns, type AnswerKind, type OpenMessage } from './model.ts';
import { listOpenMessages, type NewAnswer } from './store.ts';

export type CodeAnswer = Visitor & {
  /** The number in the address of the page. */
  readonly alertNumber: number;
  readonly channel: 'text' | 'mail';
  readonly code: string;
  readonly kind: AnswerKind;
};

/** An answer that was taken, and from which address. */
export type Taken = {
  readonly alertId: string;
  /** Those that it counts for, in order. */
  readonly organisationIds: readonly string[];
  readonly contactPointId: string;
};

type Meant = {
  readonly answer: CodeAnswer;
  readonly message: OpenMessage;
  readonly pointId: string;
};

/**
 * Takes those whose address and code belong together; says which alert and organisations they mean.
 * Whatever is wrong, the words, the count and the work are the same, so that nobody learns which
 * numbers we know or which alerts there are (P8). Not by `attempt`: a wrong try has to be kept.
 */
export async function answerWithCodes(
  tx: Tx,
  rules: AnswerRules,
  answers: readonly CodeAnswer[],
): Promise<Outcome<Taken>[]> {
  const tries = await countTries(tx, answers);
  const meanings = await findMeanings(tx, answers);
  const wrong: CodeAnswer[] = [];
  const outcomes = answers.map((answer, i): Outcome<Taken> => {
    const tooMany = refuseGuessing(tries, answer);
    if (tooMany !== undefined) return tooMany;
    const meant = meanings[i];
    if (meant !== undefined) return ok({ ...meant.message, contactPointId: meant.pointId });
    // Whoever comes next may have one try less.
    addTry(tries, answer);
    wrong.push(answer);
    return refused('invalid', 'That address and code do not belong together.', {
      code: 'Check the address the alert came to and the four digits that came with it',
    });
  });
  if (wrong.length > 0) await noteWrongCodes(tx, wrong);
  const right = meanings.filter((meant, i) => meant !== undefined && outcomes[i]!.ok) as Meant[];
  const notAddressed = await takeAll(tx, rules, right);
  return outcomes.map((outcome, i) =>
    notAddressed.has(meanings[i]!)
      ? refused('not_found', 'This alert was not sent to that organisation.')
      : outcome,
  );
}

/** What each of them means: the message that its code came with; undefined where there is none. */
async function findMeanings(
  tx: Tx,
  answers: readonly CodeAnswer[],
): Promise<(Meant | undefined)[]> {
  const points: ContactPoint[] = [];
  for (const channel of ['text', 'mail'] as const) {
    const own = answers.filter((answer) => answer.channel === channel);
    const indexes = own.map(({ addressIndex }) => addressIndex);
    points.push(...(await listContactPointsByIndex(tx, channel, indexes)));
  }
  const pointIds = answers.map(
    (answer) =>
      points.find(({ addressIndex }) => addressIndex.equals(answer.addressIndex))?.id ?? NOBODY,
  );
  const open = await listOpenMessages(tx, pointIds);
  return answers.map((answer, i) => {
    const message = open.find(
      ({ contactPointId, alertNumber, code }) =>
        contactPointId === pointIds[i] &&
        alertNumber === answer.alertNumber &&
        code === answer.code,
    );
    return message && { answer, message, pointId: message.contactPointId };
  });
}

/** Those of which the organisations are not among the recipients. */
async function takeAll(tx: Tx, rules: AnswerRules, right: readonly Meant[]): Promise<Set<Meant>> {
  const refusedOnes = new Set<Meant>();
  for (const turn of takeTurns(right, ({ message }) => message.organisationIds)) {
    const taken = await takeTogether(tx, rules, turn.map(newAnswerOf));
    turn.forEach((meant, i) => taken[i] ?? refusedOnes.add(meant));
    const answered = turn.filter((_, i) => taken[i] !== undefined);
    await markAnswered(
      tx,
      answered.map(({ pointId }) => ({ contactPointId: pointId, withCode: true })),
    );
  }
  return refusedOnes;
}

function newAnswerOf({ answer, message, pointId }: Meant): NewAnswer {
  return {
    alertId: message.alertId,
    organisationIds: message.organisationIds,
    kind: answer.kind,
    evidence: 'link_with_code',
    contactPointId: pointId,
    recordedBy: null,
    note: null,
  };
}
