/** What a question would reach, as pages, programs and alerts are told it. */
import type { Tx } from '#db/database.ts';
import type { AsAt } from '../as-at.ts';
import type { AudiencePreview, AudienceQuestion } from '../model.ts';
import { countMeant } from './store-audience.ts';
import { countOn } from './store-past.ts';

/** What the audience would be today, or with the directory as it was or will be on another day. */
export async function previewAudience(
  tx: Tx,
  question: AudienceQuestion,
  asAt?: AsAt,
): Promise<AudiencePreview> {
  const counted =
    asAt?.isPast === true
      ? await countOn(tx, question, asAt)
      : await countMeant(tx, question, asAt?.day);
  return {
    organisations: counted.organisations,
    mustAnswer: counted.mustAnswer,
    contacts: counted.contacts,
    contactPoints: { text: counted.texts, mail: counted.mails },
    withoutAnyText: counted.organisations - counted.reachedByText,
    withoutAny: counted.organisations - counted.reached,
  };
}
