/** Rounds of a draft counted from the directory: how many messages, and what its texts may cost. */
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import type { SmsText } from '#kernel/sms-text.ts';
import type { Tx } from '#db/database.ts';
import type { OperatingModel } from '#operating-model/index.ts';
import { listFailing, resolveQuestion, type AudienceQuestion } from '#organisations/index.ts';
import { findFollowed } from './correct.ts';
import { EXAMPLE } from './preview.ts';
import { renderingFor, unchasedReaders, type AlertContext } from './rendering.ts';
import { listSent } from './store-correct.ts';
import { readReach, type Asked, type ChainStep, type Reach } from './store-dry-run.ts';
import { readOnlyFollowing, type OnlyFollowing } from './store-following.ts';
import type { VersionRow } from './store.ts';
import {
  asFirst,
  followingTexts,
  readersOf,
  renderRounds,
  textFor,
  type Channel,
  type OwnTexts,
  type Rendering,
  type RoundTemplate,
} from './texts.ts';

export type CountedRound = {
  readonly round: number;
  readonly channel: Channel;
  readonly ranks: readonly number[];
  /** After the release. */
  readonly opensAfterMs: number;
  /** To those of an earlier round, once more. */
  readonly reminds: boolean;
  readonly organisations: number;
  readonly people: number;
  readonly messages: number;
  /** Billed parts; 0 for mails. */
  readonly fragments: number;
  readonly cost: string | null;
};

/** The update or correction, to whoever had an earlier version and is told by no round of this one. */
export type CountedFollowing = Pick<
  CountedRound,
  'channel' | 'organisations' | 'messages' | 'fragments' | 'cost'
>;

type Words = { readonly body: string; readonly own: OwnTexts };

/** Counts them as they would be frozen now. */
export async function countRounds(
  tx: Tx,
  rendering: Rendering,
  { version, question }: { readonly version: VersionRow; readonly question: AudienceQuestion },
) {
  const { model } = rendering;
  const { kind } = version;
  const templates = renderRounds(kind === 'first' ? version : asFirst(version), rendering);
  const following =
    kind === 'update' || kind === 'correction'
      ? followingTexts(version, rendering, kind)
      : undefined;
  const steps = templates.flatMap(({ round, channel, ranks, reminds }): ChainStep[] =>
    ranks.map((rank) => ({ round, channel, rank, reminds })),
  );
  const chain = { steps, unchased: unchasedReaders(model), readers: readersOf(templates) };
  const asked = { question, chain };
  const reach = await readReach(tx, { ...asked, failing: await listFailing(tx) });
  const rounds = templates.map((template) => {
    // Whoever had the version before gets that text instead of the first: the longer one counts.
    const words = [template, ...(template.reminds || !following ? [] : [wordsOf(following)])];
    return countedRound(template, words, reach, model);
  });
  const only = following && (await readOnly(tx, asked, { version, own: following.own }));
  const also = only === undefined ? [] : countedFollowing(wordsOf(following!), only, model);
  // What follows up leaves with the first round.
  const fragments = (round?: number) =>
    [...rounds, ...also.map((one) => ({ ...one, round: 1 }))].reduce(
      (sum, one) => sum + (one.round === (round ?? one.round) ? one.fragments : 0),
      0,
    );
  const costAtMost = formatMoney(priceOfTexts(fragments(), model.textPrice));
  return { templates, following, asked, reach, rounds, only, also, fragments, costAtMost };
}

/** Undefined where what it would follow up is not out any more. */
async function readOnly(
  tx: Tx,
  asked: Asked,
  { version, own }: { readonly version: VersionRow; readonly own: OwnTexts },
): Promise<OnlyFollowing | undefined> {
  const followed = await findFollowed(tx, version);
  if (!followed.ok || followed.value === undefined) return undefined;
  return await readOnlyFollowing(tx, asked, {
    earlierIds: await listSent(tx, version.alertId),
    submissionId: followed.value.submission.id,
    readers: Object.keys(own),
  });
}

function countedFollowing(
  words: Words,
  { channels, names }: OnlyFollowing,
  model: OperatingModel,
): CountedFollowing[] {
  return channels.map((one) => {
    if (one.channel === 'mail') return { ...one, fragments: 0, cost: null };
    const fragments = names.reduce(
      (sum, name) => sum + name.messages * rendered(words, name).fragments,
      0,
    );
    return { ...one, fragments, cost: formatMoney(priceOfTexts(fragments, model.textPrice)) };
  });
}

/**
 * What the texts of a draft cost with VAT, if nobody answers. Undefined where it cannot be
 * rendered, or its audience not be asked.
 */
export async function costOfDraft(
  tx: Tx,
  context: AlertContext,
  version: VersionRow,
): Promise<string | undefined> {
  const rendering = renderingFor(version, context);
  const question = await resolveQuestion(tx, version.audience as AudienceQuestion);
  if (rendering === undefined || !question.ok) return undefined;
  return (await countRounds(tx, rendering, { version, question: question.value })).costAtMost;
}

export const wordsOf = ({ text, own }: ReturnType<typeof followingTexts>): Words => ({
  body: text,
  own,
});

/** All names of one length make texts of one length, but for letters that were set apart. */
function countedRound(
  { round, channel, ranks, opensAfterMs, reminds }: RoundTemplate,
  words: readonly Words[],
  reach: Reach,
  model: OperatingModel,
): CountedRound {
  const found = reach.rounds.find((one) => one.round === round && one.channel === channel);
  const longest = (name: Reach['names'][number]) =>
    Math.max(...words.map((each) => rendered(each, name).fragments));
  const fragments =
    channel === 'mail'
      ? 0
      : reach.names
          .filter((one) => one.round === round)
          .reduce((sum, one) => sum + one.messages * longest(one), 0);
  return {
    round,
    channel,
    ranks,
    opensAfterMs,
    reminds,
    organisations: found?.organisations ?? 0,
    people: found?.people ?? 0,
    messages: found?.messages ?? 0,
    fragments,
    cost: channel === 'mail' ? null : formatMoney(priceOfTexts(fragments, model.textPrice)),
  };
}

/** The text as whoever has this name and reads so would get it. */
export function rendered(
  { body, own }: Words,
  { reader, name }: Pick<Reach['names'][number], 'reader' | 'name'>,
): SmsText {
  const words = reader === null ? body : (own[reader] ?? body);
  return textFor(words, { ...EXAMPLE, organisation: name });
}
