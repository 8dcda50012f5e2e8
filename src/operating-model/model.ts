/**
 * The rules of the centre as code asks for them. No constant of policy is written anywhere else:
 * who may, by which channel, after how long, in which words.
 */
import type { Permission } from '#kernel/actor.ts';
import type { Marking } from '#kernel/marking.ts';
import type { QuietHours } from '#kernel/quiet-hours.ts';
import type { Pence, TextPrice } from '#kernel/money.ts';
import type { ExerciseRules } from './exercise-rules.ts';
import type { DeclaredScale, ReportingClock, SeverityMatrix } from './judging.ts';
import type { SigningIn } from './signing-in.ts';

export const channels = ['text', 'mail'] as const;

export type Channel = (typeof channels)[number];

export type OperatingModel = {
  /** SHA-256 of the file as it stands, in hex: what alerts and dispatches pin. */
  readonly version: string;
  /** The file itself, kept with the first alert that begins under it. */
  readonly source: string;
  readonly name: string;
  /** The first words of every text, such as `NHS CYBER`. */
  readonly sender: string;
  /** The number printed in texts and pages. */
  readonly helpLine: string;
  readonly roles: Readonly<Record<string, Role>>;
  readonly signingIn: SigningIn;
  /** From most to least urgent, as in the file. */
  readonly severities: readonly Severity[];
  /** What marks an exercise, and when, how often and with whom one may be held. */
  readonly exercises: ExerciseRules;
  /** Three answers propose a severity, and say why. */
  readonly severityMatrix: SeverityMatrix;
  /** What others declare of an incident, by id: never worked out from the severity. */
  readonly declaredScales: Readonly<Record<string, DeclaredScale>>;
  /** Whom those that are affected have to tell, and by when. */
  readonly reportingClocks: readonly ReportingClock[];
  /** The strictest marking whose words may travel by each channel, or be shown. */
  readonly markingCeilings: Readonly<Record<Outlet | 'indicators', Marking>>;
  /** Severities at which a marked alert needs a line of what to do that anybody may read. */
  readonly clearLineFor: readonly string[];
  readonly organisationTypes: Readonly<Record<string, OrganisationType>>;
  /** By code: for regions of which a file of organisations has the code only. */
  readonly regionNames: Readonly<Record<string, string>>;
  /** Rows of region codes as they lie to each other; '' is a gap. */
  readonly regionMap: readonly (readonly string[])[];
  readonly contactRoles: Readonly<Record<string, { readonly label: string }>>;
  /** How far ahead the pages of audiences look for who will go. */
  readonly audienceLookAheadMs: number;
  /** So many organisations and contacts one person or key changes by files within a day. */
  readonly importedAloneADay: number;
  /** How contacts read, the usual one first. */
  readonly readerKinds: Readonly<Record<string, ReaderKind>>;
  /** How alerts name a threat: labels by id. */
  readonly threats: Readonly<
    Record<'types' | 'categories' | 'vectors', Readonly<Record<string, string>>>
  >;
  readonly texts: Readonly<Record<TextName, string>>;
  /** The first word while facts are still coming; its fields come filled in. */
  readonly holding: {
    readonly severity: Severity;
    readonly marking: Marking;
    /** Name of a saved audience. */
    readonly audience: string;
    /** How often one person may let a saved text go, to all who must answer; absent: never. */
    readonly alone: { readonly most: number; readonly withinMs: number } | undefined;
    readonly texts: readonly HoldingText[];
  };
  /** Saved texts for "do now"; their blanks are filled by whoever writes the alert. */
  readonly doNowTexts: readonly string[];
  /** An alert from the catalogue of known exploited vulnerabilities; blanks {product}, {cve}. */
  readonly knownExploited: {
    readonly severity: Severity;
    /** An id of `threats.types`. */
    readonly threatType: string;
    readonly what: string;
    readonly doNow: string;
  };
  /** What the centre owes, and who is woken until it is done. */
  readonly promises: {
    readonly approval: Ladder & {
      /** Ids; an approval of others is due at no time and wakes nobody. */
      readonly severities: readonly string[];
      /** Counted from the submission. */
      readonly withinMs: number;
    };
    readonly nextUpdate: Ladder;
    readonly callBack: Ladder;
    /** Of what one person let go, by somebody else; counted from the release. */
    readonly review: Ladder & { readonly withinMs: number };
  };
  /** In which hour of London on working days a schedule asks, and whom not again so soon. */
  readonly askingForProof: { readonly hour: number; readonly againAfterMs: number };
  /** Asks its reader to prove the address; blanks as in texts, {link}, and {notice}: who holds it. */
  readonly proofMail: { readonly subject: string; readonly body: string };
  /** An older proof that somebody answers on a number or from an address is none any more. */
  readonly proofHoldsForMs: number;
  /** How often a contact says that all on file is still right; the mail has blanks of texts, and {link}. */
  readonly attestation: {
    readonly everyMs: number;
    readonly mail: { readonly subject: string; readonly body: string };
  };
  /** What people save, so that texts ring through; numbers as they are dialled. */
  readonly contactCard: { readonly name: string; readonly numbers: readonly string[] };
  /** What contacts see and keep of themselves, by a code that goes there. */
  readonly ownDetails: {
    /** To one number or address, asked from one network, and in all. */
    readonly codesPerHour: {
      readonly number: number;
      readonly network: number;
      readonly all: number;
    };
    /** To one number or address. */
    readonly codesPerDay: number;
    /** Blanks {sender}, {code}, {help_line}. */
    readonly mail: { readonly subject: string; readonly body: string };
    /** To what another one took the place of, by text without the subject; no {code}. */
    readonly replaced: { readonly subject: string; readonly body: string };
    /** What for, as part of a sentence that says who: of the first text to a number. */
    readonly purpose: string;
    /** Who keeps it, and what for: one sentence or two. */
    readonly notice: string;
  };
  /** Told so many times since the last answer: their number is to be mended. */
  readonly silentAfter: number;
  /** What one billed part of a text costs; fragments are counted by Notify's rules. */
  readonly textPrice: TextPrice;
  readonly sending: {
    /** Of the burst of each limiter, kept for answers, live alerts and escalation: 0 to 0.9. */
    readonly urgentReserveShare: number;
    /** A dispatch pauses where so large a part of at least so many messages was refused for good. */
    readonly pauseWhenRefused: { readonly share: number; readonly atLeast: number };
    /** How often a gateway with an address of ours proves itself. */
    readonly probeEveryMs: number;
  };
  /** At most so many texts of alerts to one number within so long. */
  readonly textsPerNumber: { readonly most: number; readonly withinMs: number };
  /** For how long each class of docs/dpia.md is kept; none: its table says why. */
  readonly retention: {
    /** After the end of their dispatch; of one that was never released, after it was frozen. */
    readonly messagesMs: number;
    /** What providers told us, and people answered. */
    readonly inboxMs: number;
    /** For how long the last import can be undone. */
    readonly importsMs: number;
    /** A contact who has left, after the last change of theirs. */
    readonly leftMs: number;
    /** Words about people: of calls, of answers, of things at the desk. */
    readonly notesMs: number;
  } & Readonly<Record<'sessionsMs' | 'invitationsMs', number>>;
  /** How many automatic answers one number may get in an hour. */
  readonly passiveRepliesPerHour: number;
  readonly desk: {
    /** Who asks for help is promised a call within so long. */
    readonly callBackWithinMs: number;
    /** What somebody took is free again after so long without a word of theirs. */
    readonly claimHoldsForMs: number;
    /** What somebody did to an alert that was out stands on the desk for so long. */
    readonly announcementsStandForMs: number;
    /** So many organisations asking for help within so long are said to be one event. */
    readonly helpSurge: { readonly organisations: number; readonly withinMs: number };
  };
};

/** Who is woken, step by step, each later than the one before. */
export type Ladder = {
  readonly steps: readonly WakeStep[];
  /** Nobody is woken for another promise of this kind again so soon; 0: they are. */
  readonly againAfterMs: number;
};

export type WakeStep = {
  /** Roles of the centre, and `OWNER`. */
  readonly wake: readonly string[];
  /** Counted from when it is due; below 0 is before. */
  readonly afterMs: number;
};

/** In a step: whoever has it in hand. No role may be called so. */
export const OWNER = 'owner';

export type Role = {
  readonly label: string;
  readonly may: readonly Permission[];
  /** Given for regions, each by itself: nothing of it holds elsewhere. */
  readonly givenFor?: 'region';
};

export type Severity = {
  readonly id: string;
  readonly label: string;
  /** 1 live and critical, 2 escalation, 3 routine, 4 exercise; no file may say 0 or 4. */
  readonly lane: number;
  readonly channels: readonly Channel[];
  /** Who is told when, from the release on; the first at 0, each later than the one before. */
  readonly rounds: readonly Round[];
  /** After the rounds: who was told, and whose organisation has not answered, is told again. */
  readonly reminders: readonly Round[];
  /** Rounds and reminders of these hours wait for their end; absent: none waits. */
  readonly quietHours?: QuietHours;
  /** When who was reached and is silent is to be rung; absent: once the last round has opened. */
  readonly callListAfterMs?: number;
  /** Who of a region is told, and when, where organisations of it are silent then; absent: nobody. */
  readonly tellRegion?: { readonly afterMs: number; readonly wake: readonly string[] };
  readonly acknowledgeWithinMs: number;
  readonly nextUpdateWithinMs: number;
  /** A message not sent by then is not sent at all. */
  readonly sendExpiresAfterMs: number;
  /** More than the texts of one alert may cost is said before anything is sent; absent: never. */
  readonly spendCapPence?: Pence;
  /** After the release nothing leaves for so long, and it can be recalled; 0: it leaves at once. */
  readonly recallWindowMs: number;
  /** Nobody can say for so long whether it left: the officer decides, and the next is told. */
  readonly decideUncertainAfterMs: number;
  /** When an accepted message without a receipt is asked for; later ever more seldom. */
  readonly askForReceiptAfterMs: readonly number[];
};

export type Round = {
  /** Ranks within an organisation: 1 is the first to be called. */
  readonly ranks: readonly number[];
  readonly afterMs: number;
};

export type HoldingText = {
  readonly id: string;
  readonly label: string;
  readonly title: string;
  readonly what: string;
  readonly doNow: string;
  readonly notKnown: string;
};

export type ReaderKind = {
  readonly label: string;
  /** False: told with the first round, whatever the rank, and never again. */
  readonly chased: boolean;
};

export type OrganisationType = { readonly label: string; readonly mustAnswer: boolean };

/** Where an alert's body may come to a reader. */
export type Outlet = 'text' | 'mail' | 'linkWithCode' | 'signedIn' | 'withoutPasskey';

export type TextName =
  | 'first'
  | 'firstMarked'
  | 'nextInLine'
  | 'nextInLineMarked'
  | 'reminder'
  | 'reminderMarked'
  | 'update'
  | 'updateMarked'
  | 'updateAsking'
  | 'updateAskingMarked'
  | 'correction'
  | 'correctionMarked'
  | 'withdrawal'
  | 'closing'
  | 'approvePlease'
  | 'updatePlease'
  | 'callPlease'
  | 'reviewPlease'
  | 'officersTold'
  | 'regionTold'
  | 'afterReply'
  | 'afterHelp'
  | 'notUnderstood'
  | 'whichAlert'
  | 'genuine'
  | 'genuineOther'
  | 'notOurs'
  | 'toColleague'
  | 'enrol'
  | 'enrolled'
  | 'stillRight'
  | 'stillRightNoted'
  | 'ownCode'
  | 'probe';

/** The severity with this id, or undefined where the model has none of that name. */
export function severityById(model: OperatingModel, id: string): Severity | undefined {
  return model.severities.find((severity) => severity.id === id);
}
