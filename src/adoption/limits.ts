/** The small rules of a model as rows of its page: limits, habits, and what goes when. Pure. */
import { anchorOf, spokenDuration, type OperatingModel } from '#operating-model/index.ts';

export type RuleRow = { readonly anchor: string; readonly what: string; readonly value: string };

type Row = [rule: string, what: string, value: string];

export function rowsOf(rows: readonly Row[]): RuleRow[] {
  return rows.map(([rule, what, value]) => ({ anchor: anchorOf(rule), what, value }));
}

export function limitsPage(model: OperatingModel): RuleRow[] {
  return rowsOf([
    ...limitsOfTexts(model),
    ...limitsOfDirectory(model),
    ...limitsOfDesk(model),
    ...limitsOfSigningIn(model),
  ]);
}

function limitsOfTexts({ textsPerNumber, textPrice, sending, ...model }: OperatingModel): Row[] {
  const { share, atLeast } = sending.pauseWhenRefused;
  return [
    [
      'texts_per_number',
      'Texts of alerts to one number, at most',
      `${textsPerNumber.most} in ${spokenDuration(textsPerNumber.withinMs)}`,
    ],
    [
      'passive_replies_per_hour',
      'Automatic answers to one number, at most',
      `${model.passiveRepliesPerHour} in an hour`,
    ],
    [
      'text_price',
      'One billed part of a text costs',
      `${textPrice.fragmentPence} p, and ${textPrice.vatPercent} % VAT`,
    ],
    [
      'sending.urgent_reserve_percent',
      'Kept for answers, live alerts and escalation',
      `${percent(sending.urgentReserveShare)} of what may leave at once`,
    ],
    [
      'sending.pause_when_refused',
      'A dispatch pauses by itself where',
      `${percent(share)} of its messages, and at least ${atLeast}, are refused for good in an hour`,
    ],
    [
      'sending.probe_every',
      'A path shows that it works every',
      spokenDuration(sending.probeEveryMs),
    ],
  ];
}

function limitsOfDirectory(model: OperatingModel): Row[] {
  const { hour, againAfterMs } = model.askingForProof;
  return [
    [
      'proof_holds_for',
      'A proof of a number or address counts for',
      spokenDuration(model.proofHoldsForMs),
    ],
    [
      'attestation.every',
      'Contacts say that all is still right every',
      spokenDuration(model.attestation.everyMs),
    ],
    [
      'asking_for_proof',
      'Who has not is asked',
      `on working days from ${hour}:00, again after ${spokenDuration(againAfterMs)}`,
    ],
    ['silent_after', 'To be mended: told without an answer', `${model.silentAfter} times`],
    [
      'imports.alone_a_day',
      'Changed by files by one person',
      `${model.importedAloneADay.toLocaleString('en-GB')} in a day; more waits for a second person`,
    ],
    [
      'audiences.look_ahead',
      'Audiences show who will go within',
      spokenDuration(model.audienceLookAheadMs),
    ],
  ];
}

function limitsOfDesk({ desk }: OperatingModel): Row[] {
  const { organisations, withinMs } = desk.helpSurge;
  return [
    [
      'desk.claim_holds_for',
      'What somebody took at the desk is free again after',
      spokenDuration(desk.claimHoldsForMs),
    ],
    [
      'desk.help_surge',
      'No coincidence: help asked for by',
      `${organisations} organisations within ${spokenDuration(withinMs)}`,
    ],
    [
      'desk.announcements_stand_for',
      'What was corrected, withdrawn or closed stands on the desk for',
      spokenDuration(desk.announcementsStandForMs),
    ],
  ];
}

function limitsOfSigningIn({ signingIn }: OperatingModel): Row[] {
  const [ends, idle] = [signingIn.sessionEndsMs, signingIn.sessionEndsIdleMs].map(spokenDuration);
  return [
    ['signing_in.session_ends', 'A sign-in ends', `after ${ends}, and after ${idle} left alone`],
    [
      'signing_in.passkey_again_after',
      'What is dangerous asks for the passkey again after',
      spokenDuration(signingIn.passkeyAgainAfterMs),
    ],
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function retentionPage({ retention: kept }: OperatingModel): RuleRow[] {
  const rows: [rule: string, what: string, ms: number][] = [
    ['messages', 'Messages, after their end', kept.messagesMs],
    ['inbox', 'Receipts and replies', kept.inboxMs],
    ['imports', 'The undo of an import', kept.importsMs],
    ['left', 'Contacts who have left', kept.leftMs],
    ['notes', 'Notes about people', kept.notesMs],
    ['sessions', 'Sessions, after they were last seen', kept.sessionsMs],
    ['invitations', 'Invitations, after they end', kept.invitationsMs],
  ];
  return rowsOf(rows.map(([rule, what, ms]) => [`retention.${rule}`, what, spokenDuration(ms)]));
}
