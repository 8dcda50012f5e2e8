/** What we text back to a reply: saved texts with their blanks filled. */
import { smsText } from '#kernel/sms-text.ts';
import type { Database, Tx } from '#db/database.ts';
import type { KeptReply, SingleMessage } from '#dispatch/index.ts';
import { fillBlanks, marked, singleReason, type OperatingModel } from '#operating-model/index.ts';
import type { AnswerKind, OpenMessage } from './model.ts';
import type { Addressed } from './store.ts';
import { listPromises, type Promised } from './store-desk.ts';

/** What answering needs from outside: the words, the address of the page, and the seals. */
export type AnswerContext = {
  readonly database: Database;
  readonly model: OperatingModel;
  /** Such as `cyber.example`: as it is read in a text. */
  readonly host: string;
  readonly clockOf: (at: Date) => string;
  /** The same, with the day where that is another: `26 November 2026 at 23:12`. */
  readonly whenOf: (at: Date, now: Date) => string;
  readonly openReply: (replyId: string, sealed: Buffer) => string;
};

/** A number that texts went to: a contact point, or that of a person of the centre. */
export type Sent = { readonly id: string; readonly addressSealed: Buffer };

export type PromiseTo = Promised & { readonly alertId: string };

/** When those that asked for help expect our call, of the alerts they were told by. */
export async function listPromisesTo(tx: Tx, asking: readonly OpenMessage[]): Promise<PromiseTo[]> {
  const promises: PromiseTo[] = [];
  for (const [alertId, same] of Map.groupBy(asking, (one) => one.alertId)) {
    const organisationIds = same.flatMap((one) => one.organisationIds);
    const found = await listPromises(tx, alertId, organisationIds);
    promises.push(...found.map((one) => ({ ...one, alertId })));
  }
  return promises;
}

/** The first call that these promises hold for whom the message went to. */
export function earliest(promises: readonly PromiseTo[], message: OpenMessage): Date | undefined {
  const own = promises.filter(
    ({ alertId, organisationId }) =>
      alertId === message.alertId && message.organisationIds.includes(organisationId),
  );
  return own.map(({ callBackAt }) => callBackAt).toSorted((a, b) => Number(a) - Number(b))[0];
}

/** The saved texts that go back to a reply: the rule, and what their text did to an alert. */
const answerTexts = {
  afterReply: ['texts.after_reply', 'answered'],
  afterHelp: ['texts.after_help', 'asked for help over'],
  notUnderstood: ['texts.not_understood', 'was no clear answer to'],
  whichAlert: ['texts.which_alert', 'may mean any of'],
  genuine: ['texts.genuine', 'asked whether it is genuine:'],
} as const;

export type AnswerText = keyof typeof answerTexts;

type To = {
  readonly reply: KeptReply;
  readonly message: OpenMessage;
  readonly point: Sent;
};

/** How an automatic answer says what was understood: who reads it sees what stands on the board. */
export const saidWords: Readonly<Record<AnswerKind, string>> = {
  got_it: 'got it',
  affected: 'affected',
  not_affected: 'not affected',
  help: 'help',
};

/** What we text back, by the gateway where their text came in. */
export function textOf(
  context: AnswerContext,
  to: To,
  answer: {
    readonly addressed: Addressed;
    /** Which saved text. */
    readonly text: AnswerText;
    /** When they expect our call. */
    readonly callBackAt?: Date | undefined;
    /** When they texted, unless told. */
    readonly time?: string;
    /** What was understood, by `saidWords`. */
    readonly said?: string;
  },
): SingleMessage {
  const { model, host, clockOf } = context;
  const { reply, message } = to;
  const { addressed, text, callBackAt, time, said = '' } = answer;
  const { alertNumber, exercise, nextUpdateAt, shortNames } = addressed;
  const { code, organisationIds } = message;
  const names = organisationIds.flatMap((id) => shortNames[id] ?? []);
  const [first = '', ...others] = names.toSorted((a, b) => a.localeCompare(b, 'en'));
  const words = fillBlanks(model.texts[text], {
    sender: model.sender,
    alert: String(alertNumber),
    severity: '',
    organisation: others.length === 0 ? first : `${first} +${others.length}`,
    code,
    help_line: model.helpLine,
    said,
    time: time ?? clockOf(reply.receivedAt),
    link: `${host}/${alertNumber}`,
    // A promise that is broken already is not repeated.
    call_back:
      callBackAt !== undefined && callBackAt > reply.receivedAt ? ` by ${clockOf(callBackAt)}` : '',
    next_news:
      nextUpdateAt !== null && nextUpdateAt > reply.receivedAt
        ? `Next news ${newsTime(context, nextUpdateAt, reply.receivedAt)}. `
        : '',
  });
  const about = `alert ${alertNumber}`;
  return backTo(context, to, { text, about, body: marked(model, exercise, words) });
}

/**
 * Several alerts are open at this number and its text does not say which is meant: which code is of
 * which. With when each was told last, where that fits into one text.
 */
export function whichAlertText(
  context: AnswerContext,
  to: To,
  between: readonly OpenMessage[],
): SingleMessage {
  const { model, clockOf, whenOf } = context;
  const { receivedAt } = to.reply;
  const bodyWith = (timeOf: (one: OpenMessage) => string) => {
    const codes = between.map((one) => {
      const alert = one.exercise ? `exercise ${one.alertNumber}` : one.alertNumber;
      return `${one.code} is ${alert}${timeOf(one)}`;
    });
    const words = fillBlanks(model.texts.whichAlert, {
      sender: model.sender,
      codes: codes.join(', '),
      time: clockOf(receivedAt),
      help_line: model.helpLine,
    });
    const isRehearsed = between.every(({ exercise }) => exercise);
    return marked(model, isRehearsed, words);
  };
  const timed = bodyWith(({ sentAt }) => (sentAt ? ` of ${whenOf(sentAt, receivedAt)}` : ''));
  const body = smsText(timed).fragments > 1 ? bodyWith(() => '') : timed;
  const about = `alerts ${between.map(({ alertNumber }) => alertNumber).join(', ')}`;
  return backTo(context, to, { text: 'whichAlert', about, body });
}

function backTo(
  { model, clockOf }: AnswerContext,
  { reply, message, point }: To,
  { text, about, body }: Record<'about' | 'body', string> & { readonly text: AnswerText },
): SingleMessage {
  const [rule, did] = answerTexts[text];
  return {
    contactPointId: point.id,
    addressSealed: point.addressSealed,
    code: message.code,
    body,
    because: singleReason(
      model,
      rule,
      `their text of ${clockOf(reply.receivedAt)} ${did} ${about}`,
    ),
    gatewayId: reply.gatewayId,
    perHourMax: model.passiveRepliesPerHour,
  };
}

const DAY_MS = 24 * 3_600_000;

/** The clock alone where it is the next time that it shows that. */
function newsTime({ clockOf, whenOf }: AnswerContext, at: Date, now: Date): string {
  return at.getTime() - now.getTime() < DAY_MS ? clockOf(at) : whenOf(at, now);
}
