/**
 * What an answer means. Replies are read by rules that a person can check: a code that was issued
 * to this number decides which alert and which organisation; a few plain words decide the rest;
 * everything else goes to a person, never to the bin.
 */

/** How an answer reached us, from strong to weak; shown as it is, never merged. */
export const evidences = {
  signed_in: 'signed in',
  link_with_code: 'web page with code',
  text_with_code: 'text with code',
  call: 'by phone, written down by an officer',
  text_without_code: 'text without code',
} as const;

export type Evidence = keyof typeof evidences;

export const answerKinds = ['got_it', 'affected', 'not_affected', 'help'] as const;

export type AnswerKind = (typeof answerKinds)[number];

/** What a text says, before we look at who sent it. */
export type ReplyMeaning = {
  /** Every four digits that stand alone in it, in order: one of them may be a code. */
  readonly codes: readonly string[];
  readonly says: AnswerKind | 'yes' | 'check' | 'stop' | 'automatic' | 'unclear';
};

/** How people say that they have it, alone or one after another: "ok got it", "yes thanks". */
const ACK =
  '(?:ok|okay|k|kk|yes|yep|yeah|yup|got it|gotit|got|received|ack|acknowledged|confirmed|noted|understood|seen|roger|copy|thanks|thank you|thx|ta|cheers|on it|acting|will do|done|👍|👌|✅|🙏)';

const words: readonly (readonly [RegExp, ReplyMeaning['says']])[] = [
  [/^(help|help me|call me|call|please call|pls call|ring me|urgent|sos)$/, 'help'],
  [/^(?:y|yes)$/, 'yes'],
  [new RegExp(`^(?:${ACK} )*(?:we are |we re )?affected$`, 'u'), 'affected'],
  [
    new RegExp(`^(?:n|no|(?:(?:${ACK}|no) )*(?:we are |we re )?(?:not affected|unaffected))$`, 'u'),
    'not_affected',
  ],
  [new RegExp(`^(?:${ACK}(?: |$))+$`, 'u'), 'got_it'],
  [/^(please )?(stop|stop all|stopall|unsubscribe|opt out)( please)?$/, 'stop'],
  [
    /^(check|verify|genuine|scam|is (this|it)( text| message)? (real|genuine|legit|you|from you|a scam|spam|fake))$/,
    'check',
  ],
];

/** In other words: whoever wants a person gets one. */
const WANTS_HELP = /\b(help|call (me|us)|ring (me|us))\b/;
const WANTS_NONE = /\b(no|not|dont|don t) (need )?(any )?help\b|\bhelp (is )?not needed\b/;

/**
 * Phones that answer by themselves, and reactions that a handset turns into a text: those quote
 * ours, with its code and its HELP.
 */
const AUTOMATIC =
  /^(liked|loved|laughed at|emphasi[sz]ed|questioned|disliked|reacted .{1,12} to|removed an? .{1,30} from|[^\p{L}\p{N}]{1,12} to) [“"]|\b(i['’]?m|i am) (driving|in a meeting|not receiving notifications)\b|\b(auto(matic)?[- ]?reply|out of office|can['’]?t talk right now|i['’]?ll (call|text) you (right )?(back|later))\b/iu;

/** Four digits, also as people read them aloud: 48 21. */
const CODE = /\b(?:\d{4}|(?<![\d ])\d{2}[ -]\d{2}(?! ?\d))\b/g;

/** Reads a text. Never throws; what it cannot read is `unclear`. */
export function readReply(text: string): ReplyMeaning {
  const line = text.trim().normalize('NFKC');
  if (AUTOMATIC.test(line)) return { codes: [], says: 'automatic' };
  const codes = (line.match(CODE) ?? []).map((code) => code.replace(/\D/, ''));
  // "Reply 4821" and "code 4821" are the words of our own text.
  const rest = plain(line.replaceAll(CODE, ' ')).replace(/^(reply|code)\b ?/, '');
  const says = words.find(([pattern]) => pattern.test(rest))?.[1];
  if (says !== undefined) return { codes, says };
  // The code alone is the answer that the text asked for: "4821" or "4821=got it".
  if (codes.length > 0 && rest === '') return { codes, says: 'got_it' };
  const wantsHelp = WANTS_HELP.test(rest) && !WANTS_NONE.test(rest);
  return { codes, says: wantsHelp ? 'help' : 'unclear' };
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/\p{Emoji_Modifier}/gu, '')
    .replaceAll(/[^\p{L}\p{N}\p{Emoji_Presentation}]+/gu, ' ')
    .trim();
}

/** A live alert in which this number was texted, newest first. */
export type OpenMessage = {
  readonly alertId: string;
  readonly alertNumber: number;
  /** Of an exercise: what is answered to it is answered to nothing live. */
  readonly exercise: boolean;
  /** A closed alert takes answers with their code; plain words no longer mean it. */
  readonly isLive: boolean;
  /** When it was withdrawn or closed. */
  readonly closedAt: Date | null;
  readonly dispatchId: string;
  readonly code: string;
  readonly organisationIds: readonly string[];
  /** When the last of it left to this number; null where no provider said yet that it did. */
  readonly sentAt: Date | null;
  /** When the last text of this number was an answer to it; null: none yet. */
  readonly answeredAt: Date | null;
};

export type ReplyDecision =
  | {
      readonly kind: 'answer';
      readonly message: OpenMessage;
      readonly answer: AnswerKind;
      readonly evidence: Evidence;
      /** A person should read the words too: the code was right, the rest was not clear. */
      readonly alsoToDesk: boolean;
    }
  | {
      readonly kind: 'desk';
      readonly item: 'not_understood' | 'wrong_code' | 'stop' | 'unknown_sender';
      readonly message: OpenMessage | undefined;
      /** The live alerts that it may mean, one message of each, where it does not say which. */
      readonly between: readonly OpenMessage[];
    }
  /** Asks whether a text is genuine: of this alert, or of none that went to the number. */
  | { readonly kind: 'check'; readonly message: OpenMessage | undefined }
  /** Somebody of the centre says something. */
  | { readonly kind: 'colleague' }
  | { readonly kind: 'ignore' };

/** Whose number a text came from: of the directory, of somebody of the centre, or of neither. */
export type Sender = 'contact' | 'colleague' | 'stranger';

/**
 * What to do with a reply, given the live alerts in which its number was texted. With one alert
 * open, plain words count in the weaker class; with several, a code says which is meant, or in that
 * class the number of the alert.
 */
export function decideReply(
  meaning: ReplyMeaning,
  open: readonly OpenMessage[],
  sender: Sender,
): ReplyDecision {
  const { codes, says } = meaning;
  if (says === 'automatic') return { kind: 'ignore' };
  if (sender === 'stranger') return toDesk('unknown_sender');
  // An officer answers for no organisation, and approves or takes over nothing by text.
  if (sender === 'colleague')
    return says === 'check' ? { kind: 'check', message: undefined } : { kind: 'colleague' };
  const live = open.filter(({ isLive }) => isLive);
  if (says === 'stop') return toDesk('stop', live[0]);
  const [meant, ...others] = open.filter(({ code }) => codes.includes(code));
  const named = live.find(({ alertNumber }) => codes.includes(String(alertNumber)));
  if (says === 'check')
    return { kind: 'check', message: codes.length === 0 ? (live[0] ?? open[0]) : (meant ?? named) };
  if (meant !== undefined) {
    const unclear = says === 'unclear';
    return {
      kind: 'answer',
      message: meant,
      // Who types the code before it has read how to say that they are affected.
      answer: unclear ? 'got_it' : says === 'yes' ? 'affected' : says,
      evidence: 'text_with_code',
      alsoToDesk: unclear || others.length > 0,
    };
  }
  const [newest] = live;
  const only = named ?? newest;
  const between = named === undefined ? oneOfEach(live) : [];
  // Plain words to the text that an alert is over, which asks "Still affected?": while another is
  // live they may be an answer to that one, and a person decides.
  if (says !== 'help' && codes.length === 0 && endedSince(open, newest)) {
    if (newest !== undefined) return toDesk('not_understood', newest, between);
    if (says === 'got_it') return { kind: 'ignore' };
  }
  // Any four digits, such as a year, stand in words that nobody understands.
  if (says === 'unclear') return toDesk('not_understood', only, between);
  // A wrong code is not taken for "no code": it may be of a text passed on, a slip, or of a text
  // that somebody else sent in our name.
  if (codes.length > 0 && named === undefined) return toDesk('wrong_code', only, between);
  if (only === undefined) return toDesk('not_understood');
  if (between.length > 1 && says !== 'help') return toDesk('not_understood', only, between);
  return {
    kind: 'answer',
    message: only,
    answer: plainly(says, only),
    evidence: 'text_without_code',
    alsoToDesk: false,
  };
}

/**
 * A mere “yes” to a text that asks for “got it” says that; to the answer to an answer, which asks
 * whether they are affected, it says that they are.
 */
function plainly(says: AnswerKind | 'yes', { sentAt, answeredAt }: OpenMessage): AnswerKind {
  if (says !== 'yes') return says;
  const isAsked = answeredAt !== null && (sentAt === null || answeredAt >= sentAt);
  return isAsked ? 'affected' : 'got_it';
}

function toDesk(
  item: (ReplyDecision & { kind: 'desk' })['item'],
  message?: OpenMessage,
  between: readonly OpenMessage[] = [],
): ReplyDecision {
  return { kind: 'desk', item, message, between };
}

/** One of each alert: a number that several share may have texts of one with several codes. */
function oneOfEach(messages: readonly OpenMessage[]): OpenMessage[] {
  return messages.filter(
    ({ alertId }, i) => messages.findIndex((other) => other.alertId === alertId) === i,
  );
}

/** Whether the last news to this number was that an alert is over. */
function endedSince(open: readonly OpenMessage[], newest: OpenMessage | undefined): boolean {
  const since = newest?.sentAt?.getTime() ?? 0;
  return open.some(({ closedAt }) => closedAt !== null && closedAt.getTime() > since);
}

/**
 * What came together in turns, in none of which a name is twice: of two answers the later one
 * counts, so it must come in a later turn. The names are those of whoever answers.
 */
export function takeTurns<Item>(
  items: readonly Item[],
  namesOf: (item: Item) => readonly string[],
): Item[][] {
  const turns: Item[][] = [];
  const turnAfter = new Map<string, number>();
  for (const item of items) {
    const names = namesOf(item);
    const turn = Math.max(0, ...names.map((name) => turnAfter.get(name) ?? 0));
    (turns[turn] ??= []).push(item);
    for (const name of names) turnAfter.set(name, turn + 1);
  }
  return turns;
}

/** Tries of a wrong code on the public page before an address has to ring instead. */
export const wrongCodesMax = 5;
export const wrongCodesWithinMs = 60 * 60 * 1000;

/**
 * The same for one network, whatever the addresses: many people may share it, so more; but one in
 * 9,000 guesses is right, so not many more.
 */
export const wrongCodesOfNetworkMax = 50;

/** Wrong codes by all addresses together within ten minutes that make the desk look. */
export const guessingFrom = 40;
export const guessingWithinMs = 10 * 60 * 1000;
