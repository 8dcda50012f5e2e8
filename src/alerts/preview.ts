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
import { readKevFacts, type KevSaid } from './kev/catalogue.ts';
import type { VersionKind, Wording } from './model.ts';
import { checkClearLine, checkLinks, checkOwnText, checkTextLength } from './parse.ts';
import { LONGEST_NAME, renderingFor, type AlertContext } from './rendering.ts';
import { sampleTexts } from './store-freeze.ts';
import { asFirst, followingText, renderRounds, textFor, textsOf } from './texts.ts';

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
};

export type Preview = {
  /** Of a later version: what those get who had the one before. */
  readonly following: TextToAll | undefined;
  readonly texts: readonly TextPreview[];
  readonly mail: { readonly subject: string; readonly body: string } | undefined;
  /** What the page says of the threat. */
  readonly sections: readonly Section[];
  /** What the catalogue of known exploited vulnerabilities says of its CVEs. */
  readonly kev: KevSaid | undefined;
  readonly audience: AudiencePreview;
  /** The saved audiences that it names, as they are today. */
  readonly heldAudiences: readonly HeldAudience[];
  /** Who will not be in it soon, as far as the directory knows. */
  readonly willGo: { readonly days: number; readonly organisations: number };
  /** Texts to all ranks at the length of the first: more than will usually go. */
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
  },
): Promise<Preview | undefined> {
  const { kind, wording, audience: asked, alertNumber } = draft;
  const rendering = renderingFor({ severity: wording.severity, alertNumber }, context);
  if (rendering === undefined) return undefined;
  const { model } = context;
  const rounds = renderRounds(kind === 'first' ? wording : asFirst(wording), rendering);
  const texts = rounds
    .filter(({ channel }) => channel === 'text')
    .map(({ round, ranks, opensAfterMs, body }) => ({
      round,
      ranks,
      afterMs: opensAfterMs,
      ...textToAll(body),
    }));
  const following =
    kind === 'update' || kind === 'correction'
      ? textToAll(followingText(wording, rendering, kind))
      : undefined;
  const mail = rounds.find(({ channel }) => channel === 'mail');
  const resolved = await resolveQuestion(tx, asked);
  // What is unknown is said, and the rest is counted all the same.
  const parts = await resolveParts(tx, asked);
  const question = parts.ok ? parts.value : { ...asked, audiences: [] };
  const audience = await previewAudience(tx, question);
  const each = Math.max(following?.text.fragments ?? 0, texts[0]?.text.fragments ?? 0);
  const fragments = each * audience.contactPoints.text;
  const leaving = textsOf(kind, wording, rendering);
  return {
    following,
    texts,
    mail: mail && { subject: mail.subject ?? '', body: forReader(mail.body) },
    sections: sectionsOf(wording.content, context),
    kev: await readKevFacts(tx, wording.content.cves),
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
      checkLinks(leaving) ??
      checkTextLength(leaving, LONGEST_NAME) ??
      (resolved.ok ? undefined : Object.values(resolved.fields).join('; ')),
  };
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
  readonly messages: number;
  readonly opensAfterMs: number;
  readonly fragments: number;
  readonly subject: string | null;
  /** One of the messages, as it will leave. */
  readonly sample: string;
  readonly longest: string;
};

/** What was frozen, counted from the very messages that will leave. */
export async function readFrozen(tx: Tx, dispatchId: string): Promise<FrozenRound[]> {
  const samples = await sampleTexts(tx, dispatchId);
  const rounds = new Map<string, FrozenRound>();
  for (const { round, channel, messages, opensAfterMs, subject, body } of samples) {
    const key = `${round} ${channel}`;
    const before = rounds.get(key);
    const each = channel === 'text' ? textFor(body, EXAMPLE).fragments : 0;
    const readable = body.replaceAll('{since}', EXAMPLE.since);
    rounds.set(key, {
      round,
      channel,
      subject,
      opensAfterMs,
      messages: messages + (before?.messages ?? 0),
      fragments: each * messages + (before?.fragments ?? 0),
      sample: before?.sample ?? readable,
      longest: before && before.longest.length > readable.length ? before.longest : readable,
    });
  }
  return [...rounds.values()];
}
