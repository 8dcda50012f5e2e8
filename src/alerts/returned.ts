/** What was sent back to be changed, and what became of it: whoever decides again sees just that. */
import { isDeepStrictEqual } from 'node:util';
import { actorId } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { changesOf, type SaidWording } from './changes.ts';
import { changeOf } from './diff.ts';
import type { AlertContext } from './rendering.ts';
import {
  compareRecipients,
  findLastReturn,
  type ReturnedWords,
  type SubmissionRow,
} from './store-submission.ts';
import type { VersionRow } from './store.ts';

export function returnedWordsOf(version: VersionRow): ReturnedWords {
  return {
    title: version.title,
    severity: version.severity,
    marking: version.marking,
    what: version.what,
    doNow: version.doNow,
    ifActed: version.ifActed,
    clearLine: version.clearLine,
    notKnown: version.notKnown,
    nextUpdateAt: version.nextUpdateAt?.toISOString() ?? null,
    content: version.content,
    body: version.body,
    ownText: version.ownText,
    readerWords: version.readerWords,
    asksAgain: version.asksAgain,
    kev: version.kev,
    audience: version.audience,
  };
}

/** The last return of what waits, and every change since; undefined where it never came back. */
export async function readReturned(
  tx: Tx,
  { version, submission }: { readonly version: VersionRow; readonly submission: SubmissionRow },
  context: Pick<AlertContext, 'model' | 'formatTime'>,
) {
  const returned = await findLastReturn(tx, version.id, actorId(tx.actor));
  if (returned === undefined) return undefined;
  const { id, decidedAt, decidedByName, returnReason, returnedWords } = returned;
  const { nextUpdateAt } = returnedWords;
  const before = {
    ...returnedWords,
    nextUpdateAt: nextUpdateAt === null ? null : new Date(nextUpdateAt),
  };
  const whoAnswers = ({ asksAgain }: SaidWording) =>
    asksAgain ? 'everybody, again' : 'who has not answered yet';
  return {
    decidedAt,
    decidedByName,
    returnReason,
    changes: [
      ...changesOf(before, version, context),
      ...changeOf('If you acted already', before.ifActed, version.ifActed),
      ...changeOf('Who answers', whoAnswers(before), whoAnswers(version)),
      ...changeOf('Own text', before.ownText ?? '', version.ownText ?? ''),
    ],
    audience: {
      ...(await compareRecipients(tx, { before: id, after: submission.id })),
      isAskedAnew: !isDeepStrictEqual(before.audience, version.audience),
    },
  };
}
