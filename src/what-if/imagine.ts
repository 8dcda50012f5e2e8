/** The alert that is rehearsed: one that is written, or an imagined one. */
import { isUuid } from '#kernel/ids.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  findVersion,
  noContent,
  readIsExerciseOut,
  type AlertContext,
  type Wording,
} from '#alerts/index.ts';
import {
  everybody,
  findAudience,
  resolveQuestion,
  type AskedQuestion,
  type AudienceQuestion,
} from '#organisations/index.ts';
import type { Asked } from './parse.ts';
import type { Imagined } from './rehearse.ts';

/** Whom it is for, in words, and what it is called. */
export type Subject = {
  readonly imagined: Imagined;
  readonly title: string;
  readonly audienceName: string;
  /** Undefined: imagined. */
  readonly alertId: string | undefined;
};

export async function imagine(
  tx: Tx,
  context: Pick<AlertContext, 'origin' | 'formatTime'>,
  asked: Asked,
): Promise<Outcome<Subject>> {
  const { alert: alertId } = asked;
  const version =
    alertId === undefined || !isUuid(alertId) ? undefined : await findVersion(tx, alertId);
  if (alertId !== undefined && version === undefined)
    return refused('not_found', 'There is no such alert.');
  const audience = await questionOf(tx, asked, version?.audience as AudienceQuestion | undefined);
  if (!audience.ok) return audience;
  const { origin, formatTime } = context;
  const { releasedAtMs, behaviour, seed, spendCapPence } = asked;
  const imagined: Imagined = {
    wording: version ?? wordingOf(asked),
    alertNumber: version?.alertNumber ?? EXAMPLE_NUMBER,
    exercise: version?.exercise ?? asked.exercise,
    besideExercise: version?.besideExercise ?? (!asked.exercise && (await readIsExerciseOut(tx))),
    alertId: version?.alertId,
    origin,
    formatTime,
    question: audience.value.question,
    channels: asked.channels,
    releasedAtMs,
    behaviour,
    seed,
    spendCapPence,
  };
  return ok({
    imagined,
    title: version?.title ?? (asked.exercise ? 'An imagined exercise' : 'An imagined alert'),
    audienceName: audience.value.name,
    alertId,
  });
}

/** As long as the numbers of alerts are. */
const EXAMPLE_NUMBER = 4901;

function wordingOf({ severity, what, doNow }: Asked): Wording {
  return {
    title: 'An imagined alert',
    severity,
    marking: 'CLEAR',
    what,
    doNow,
    ifActed: '',
    clearLine: '',
    notKnown: '',
    nextUpdateAt: null,
    content: noContent,
    body: '',
    ownText: null,
    readerWords: {},
    asksAgain: true,
  };
}

type Meant = { readonly name: string; readonly question: AudienceQuestion };

async function questionOf(
  tx: Tx,
  { audience: id }: Asked,
  ofAlert: AudienceQuestion | undefined,
): Promise<Outcome<Meant>> {
  if (id !== undefined) {
    const saved = isUuid(id) ? await findAudience(tx, id) : undefined;
    if (saved === undefined) return refused('not_found', 'There is no such audience.');
    return await resolved(tx, saved.name, saved.question);
  }
  if (ofAlert !== undefined) return await resolved(tx, 'As the alert has it', ofAlert);
  return await resolved(tx, 'All who must answer', { ...everybody, mustAnswerOnly: true });
}

async function resolved(tx: Tx, name: string, asked: AskedQuestion): Promise<Outcome<Meant>> {
  const question = await resolveQuestion(tx, asked);
  return question.ok ? ok({ name, question: question.value }) : question;
}
