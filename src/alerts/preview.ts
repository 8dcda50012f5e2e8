/** What would leave, before it leaves: texts as they will look, how many, and what they cost. */
import { formatMoney, priceOfTexts } from '#kernel/money.ts';
import type { SmsText } from '#kernel/sms-text.ts';
import { within } from '#kernel/marking.ts';
import type { Tx } from '#db/database.ts';
import {
  previewAudience,
  resolveParts,
  resolveQuestion,
  type AskedQuestion,
  type AudiencePreview,
} from '#organisations/index.ts';
import { countWillGo, listHeldAudiences, type HeldAudience } from './audience.ts';
import { sectionsOf, type Section } from './content/model.ts';
import { readKevFacts } from './kev/catalogue.ts';
import type { KevSaid } from './kev/model.ts';
import type { VersionKind, Wording } from './model.ts';
import { checkClearLine, checkOwnText, checkText } from './parse.ts';
import { unfitReaderWords } from './readers/form.ts';
import { LONGEST_NAME, renderingFor, type AlertContext } from './rendering.ts';
import { sampleTexts, type FrozenTexts } from './store-frozen.ts';
import type { SubmissionRow } from './store-submission.ts';
import { readIsExerciseOut, wentByText, type VersionRow } from './store.ts';
import {
  asFirst,
  followingTexts,
  readersOf,
  renderRounds,
  textFor,
  textsOf,
  type OwnTexts,
  type RoundTemplate,
  type TextOfVersion,
} from './texts.ts';

/** A text with an example name. */
export type TextToAll = {
  readonly text: SmsText;
  /** With the longest name that may stand in it. */
  readonly longestFragments: number;
};

export type TextPreview = TextToAll & {
  readonly round: number;
  readonly afterMs: number;
  readonly ranks: readonly number[];
  /** To those of an earlier round, once more. */
  readonly reminds: boolean;
};

/** What readers get in texts, the general one or a kind with words of its own. */
export type TextsToReaders = {
  /** Of a later version: what those get who had the one before. */
  readonly following: TextToAll | undefined;
  readonly texts: readonly TextPreview[];
};

export type Preview = TextsToReaders & {
  /** Kinds of readers with words of their own. */
  readonly readers: readonly (TextsToReaders & {
    readonly reader: string;
    readonly label: string;
  })[];
  readonly mail: { readonly subject: string; readonly body: string } | undefined;
  /** What the page says of the threat. */
  readonly sections: readonly Section[];
  /** What the catalogue of known exploited vulnerabilities says of its CVEs. */
  readonly kev: KevSaid | null;
  readonly audience: AudiencePreview;
  /** The saved audiences that it names, as they are today. */
  readonly heldAudiences: readonly HeldAudience[];
  /** Who will not be in it soon, as far as the directory knows. */
  readonly willGo: { readonly days: number; readonly organisations: number };
  /**
   * Texts to all ranks and all reminders, each as long as any of them can become: more than go.
   * Quick enough to be told while somebody types; what is saved is counted (`costOfDraft`).
   */
  readonly costAtMost: string;
  /** True where the marking keeps the wording out of texts or mails. */
  readonly withheld: { readonly text: boolean; readonly mail: boolean };
  /** Why it could not be sent as it stands. */
  readonly problem: string | undefined;
};

/** A name of usual length, and the code of the examples in the documentation. */
export const EXAMPLE = { organisation: 'Northmoor', code: '4821', since: '03:02' };

/** What this wording to this audience would be; undefined where the severity is unknown. */
export async function previewAlert(
  tx: Tx,
  context: AlertContext,
  draft: {
    kind: VersionKind;
    wording: Wording;
    audience: AskedQuestion;
    alertNumber: number;
    exercise: boolean;
  },
): Promise<Preview | undefined> {
  const { kind, wording, audience: asked, alertNumber, exercise } = draft;
  const { severity, content } = wording;
  const besideExercise = !exercise && (await readIsExerciseOut(tx));
  const kev = await readKevFacts(tx, content.cves);
  const rendered = { severity, alertNumber, exercise, besideExercise, kev };
  const rendering = renderingFor(rendered, context);
  if (rendering === undefined) return undefined;
  const { model } = context;
  const rounds = renderRounds(kind === 'first' ? wording : asFirst(wording), rendering);
  const follows = kind === 'update' || kind === 'correction';
  // Whoever had a text gets one, also where the severity of now has none.
  const following =
    follows && (await wentByText(tx, alertNumber))
      ? followingTexts(wording, rendering, kind)
      : undefined;
  const general = textsTo({ rounds, following }, ({ body }) => body);
  const withOwn = new Set([...readersOf(rounds), ...Object.keys(following?.own ?? {})]);
  const readers = Array.from(withOwn, (reader) => ({
    reader,
    label: model.readerKinds[reader]!.label,
    ...textsTo({ rounds, following }, ({ body, own }) => own[reader] ?? body),
  }));
  const mail = rounds.find(({ channel }) => channel === 'mail');
  const resolved = await resolveQuestion(tx, asked);
  // What is unknown is said, and the rest is counted all the same.
  const parts = await resolveParts(tx, asked);
  const question = parts.ok ? parts.value : { ...asked, audiences: [] };
  const audience = await previewAudience(tx, question);
  const each = Math.max(...[general, ...readers].map(longestOf));
  // Each number is told once, and again with each reminder.
  const times = 1 + general.texts.filter(({ reminds }) => reminds).length;
  const fragments = each * times * audience.contactPoints.text;
  return {
    ...general,
    readers,
    mail: mail && { subject: mail.subject ?? '', body: forReader(mail.body) },
    sections: sectionsOf({ content, kev }, context),
    kev,
    audience,
    heldAudiences: await listHeldAudiences(tx, question),
    willGo: await countWillGo(tx, question, model),
    costAtMost: formatMoney(priceOfTexts(fragments, model.textPrice)),
    withheld: {
      text: !within(wording.marking, model.markingCeilings.text),
      mail: !within(wording.marking, model.markingCeilings.mail),
    },
    problem:
      checkOwnText(wording, rendering) ??
      checkClearLine(wording, model) ??
      Object.values(unfitReaderWords(wording, model))[0] ??
      textsOf(kind, wording, rendering)
        .map(({ text }) => checkText(text, LONGEST_NAME))
        .find((why) => why !== undefined) ??
      (resolved.ok ? undefined : Object.values(resolved.fields).join('; ')),
  };
}

/** The rounds, and the text of an update or correction, in the words that `of` picks. */
function textsTo(
  {
    rounds,
    following,
  }: {
    readonly rounds: readonly RoundTemplate[];
    readonly following: { readonly text: string; readonly own: OwnTexts } | undefined;
  },
  of: (one: { readonly body: string; readonly own: OwnTexts }) => string,
): TextsToReaders {
  return {
    following: following && textToAll(of({ body: following.text, own: following.own })),
    texts: rounds
      .filter(({ channel }) => channel === 'text')
      .map(({ round, ranks, reminds, opensAfterMs, ...template }) => ({
        round,
        ranks,
        reminds,
        afterMs: opensAfterMs,
        ...textToAll(of(template)),
      })),
  };
}

/** Fragments of the longest of them, with the longest name. */
function longestOf({ following, texts }: TextsToReaders): number {
  return Math.max(0, following?.longestFragments ?? 0, ...texts.map((one) => one.longestFragments));
}

function textToAll(template: string): TextToAll {
  return {
    text: textFor(template, EXAMPLE),
    longestFragments: textFor(template, { ...EXAMPLE, organisation: LONGEST_NAME }).fragments,
  };
}

function forReader(body: string): string {
  return body.replaceAll('{organisation}', EXAMPLE.organisation).replaceAll('{code}', EXAMPLE.code);
}

export type FrozenRound = {
  readonly round: number;
  readonly channel: 'text' | 'mail';
  /** The reader kind in whose own words these are; null: the general ones. */
  readonly reader: string | null;
  readonly messages: number;
  readonly opensAfterMs: number;
  /** To those of an earlier round, once more. */
  readonly reminds: boolean;
  readonly fragments: number;
  readonly subject: string | null;
  /** One of the messages, as it will leave. */
  readonly sample: string;
  readonly longest: string;
  /** What it says but for the name and the code of its recipient: by this it is told from others. */
  readonly wording: string;
};

/** What was frozen for a version, and for those who had the one before it. */
export async function readFrozenOf(
  tx: Tx,
  context: AlertContext,
  { version, submission }: { version: VersionRow; submission: SubmissionRow },
): Promise<{ frozen: FrozenRound[]; following: FrozenRound[] }> {
  const texts = textsOfVersion(version, context);
  const { id: submissionId, dispatchId, correctionDispatchId: laterId } = submission;
  const read = async (id: string) => await readFrozen(tx, { submissionId, dispatchId: id, texts });
  return {
    frozen: await read(dispatchId),
    following: laterId === null ? [] : await read(laterId),
  };
}

/** The texts of a version, by which it is told whose words a message has. */
function textsOfVersion(version: VersionRow, context: AlertContext): TextOfVersion[] {
  const rendering = renderingFor(version, context);
  return rendering === undefined ? [] : textsOf(version.kind, version, rendering);
}

/**
 * What was frozen, counted from the very messages that will leave; `texts` are those of the
 * version, to tell apart whose words they are.
 */
async function readFrozen(tx: Tx, asked: FrozenTexts): Promise<FrozenRound[]> {
  const samples = await sampleTexts(tx, asked);
  const rounds = new Map<string, FrozenRound>();
  for (const {
    round,
    channel,
    reader,
    messages,
    opensAfterMs,
    reminds,
    subject,
    body,
    ...blanks
  } of samples) {
    const key = [round, channel, reader].join(' ');
    const before = rounds.get(key);
    const each = channel === 'text' ? textFor(body, EXAMPLE).fragments : 0;
    const readable = body.replaceAll('{since}', EXAMPLE.since);
    rounds.set(key, {
      round,
      channel,
      reader,
      subject,
      opensAfterMs,
      reminds,
      messages: messages + (before?.messages ?? 0),
      fragments: each * messages + (before?.fragments ?? 0),
      sample: before?.sample ?? readable,
      longest: before && before.longest.length > readable.length ? before.longest : readable,
      wording: before?.wording ?? [subject, wordingOf(readable, blanks)].join('\n'),
    });
  }
  return [...rounds.values()];
}

/** The text with blanks for what each recipient has of their own, also where a number is shared. */
function wordingOf(
  text: string,
  { shortName, code }: { readonly shortName: string | null; readonly code: string },
): string {
  const known = text.replaceAll(code, '{code}');
  if (shortName === null) return known;
  const unnamed = known.replaceAll(shortName, '{organisation}');
  return unnamed.replaceAll(/\{organisation\} \+\d+/g, '{organisation}');
}
