/** `operating-model.yaml` → `OperatingModel`; errors name file, line, path and way out. */
import { createHash } from 'node:crypto';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { ok, refused, type FieldErrors, type Outcome } from '#kernel/outcome.ts';
import { crossCheck } from './checks.ts';
import { explain } from './explain.ts';
import { fileSchema, stepAfterMs, type ModelFile, type StepOfFile } from './file-schema.ts';
import { error, located, printFinding, type Finding, type Remark } from './findings.ts';
import type { Ladder, OperatingModel } from './model.ts';
import { exercisesOf } from './exercises-of.ts';
import { severityOf } from './severity-of.ts';

export type Checked = {
  /** Absent where an error was found. */
  readonly model?: OperatingModel;
  /** In the order of the file. */
  readonly findings: readonly Finding[];
};

/**
 * The model, or `invalid` with one error per path; each names file, line, path and what is allowed.
 * The message lists them all, a line each: who starts Tocsin sees nothing else.
 * Warnings do not refuse: ask `checkOperatingModel` for them.
 */
export function parseOperatingModel(yamlText: string, fileName: string): Outcome<OperatingModel> {
  const { model, findings } = checkOperatingModel(yamlText);
  if (model !== undefined) return ok(model);
  const errors = findings.filter(({ level }) => level === 'error');
  const fields: Record<string, string> = {};
  for (const finding of errors) {
    const printed = printFinding(finding, fileName);
    fields[finding.path] = fields[finding.path] ? `${fields[finding.path]}\n${printed}` : printed;
  }
  const count = errors.length === 1 ? 'one error' : `${errors.length} errors`;
  const lines = errors.map((finding) => printFinding(finding, fileName));
  const message = [`${fileName} has ${count}:`, ...lines].join('\n');
  return refused('invalid', message, fields satisfies FieldErrors);
}

/** Errors and warnings, and the model where there are no errors. */
export function checkOperatingModel(yamlText: string): Checked {
  const lines = new LineCounter();
  const document = parseDocument(yamlText, { lineCounter: lines, uniqueKeys: true });
  const broken = syntaxFindings(document, lines);
  if (broken.length > 0) return { findings: broken };
  const { file, remarks } = readFile(contentOf(document));
  const findings = remarks
    .map((remark) => located(remark, document, lines))
    .toSorted((a, b) => a.line - b.line);
  const failed = file === undefined || findings.some(({ level }) => level === 'error');
  return failed ? { findings } : { model: modelOf(file, yamlText), findings };
}

function syntaxFindings(document: Document, lines: LineCounter): Finding[] {
  return [...document.errors, ...document.warnings].map((problem) => ({
    level: 'error',
    line: lines.linePos(problem.pos[0]).line,
    path: '',
    message:
      problem.code === 'DUPLICATE_KEY'
        ? 'the same key stands twice in one block: keep one of them'
        : problem.message.split(/ at line \d+/)[0]!,
  }));
}

/** The content as plain values; undefined where aliases lead nowhere or multiply without end. */
function contentOf(document: Document): unknown {
  try {
    return document.toJS();
  } catch (reason) {
    if (reason instanceof ReferenceError) return undefined;
    throw reason;
  }
}

function readFile(content: unknown): { file?: ModelFile; remarks: Remark[] } {
  const parsed = fileSchema.safeParse(content, { error: explain });
  if (parsed.success) return { file: parsed.data, remarks: crossCheck(parsed.data) };
  const remarks = parsed.error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    if (issue.code !== 'unrecognized_keys') return [error(path, issue.message)];
    // One line of the message for each key (explain.ts): one finding each, where the key stands.
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => error([...path, key], messages[i] ?? issue.message));
  });
  return { remarks };
}

function modelOf(file: ModelFile, source: string): OperatingModel {
  const { marking_ceilings: ceilings } = file;
  return {
    version: createHash('sha256').update(source).digest('hex'),
    source,
    name: file.model,
    sender: file.sender,
    helpLine: file.help_line,
    roles: rolesOf(file),
    signingIn: signingInOf(file),
    severities: Object.entries(file.severities).map(severityOf),
    exercises: exercisesOf(file),
    severityMatrix: file.severity_matrix,
    declaredScales: scalesOf(file),
    reportingClocks: clocksOf(file),
    markingCeilings: {
      text: ceilings.text,
      mail: ceilings.mail,
      linkWithCode: ceilings.link_with_code,
      signedIn: ceilings.signed_in,
      withoutPasskey: ceilings.without_passkey,
      indicators: ceilings.indicators,
    },
    clearLineFor: file.clear_line_for,
    organisationTypes: Object.fromEntries(
      Object.entries(file.organisation_types).map(([id, type]) => [
        id,
        { label: type.label, mustAnswer: type.must_answer },
      ]),
    ),
    regionNames: file.region_names,
    regionMap: file.region_map,
    contactRoles: file.contact_roles,
    audienceLookAheadMs: file.audiences.look_ahead,
    importedAloneADay: file.imports.alone_a_day,
    readerKinds: file.reader_kinds,
    threats: file.threats,
    texts: textsOf(file),
    holding: holdingOf(file),
    doNowTexts: file.do_now_texts,
    knownExploited: knownExploitedOf(file),
    promises: promisesOf(file),
    askingForProof: {
      hour: file.asking_for_proof.hour,
      againAfterMs: file.asking_for_proof.again_after,
    },
    proofMail: file.proof_mail,
    proofHoldsForMs: file.proof_holds_for,
    attestation: { everyMs: file.attestation.every, mail: file.attestation.mail },
    contactCard: file.contact_card,
    ownDetails: ownDetailsOf(file),
    silentAfter: file.silent_after,
    textPrice: {
      fragmentPence: file.text_price.fragment_pence,
      vatPercent: file.text_price.vat_percent,
    },
    sending: sendingOf(file),
    textsPerNumber: { most: file.texts_per_number.most, withinMs: file.texts_per_number.within },
    retention: retentionOf(file),
    passiveRepliesPerHour: file.passive_replies_per_hour,
    desk: deskOf(file),
  };
}

function ownDetailsOf({ own_details: own }: ModelFile): OperatingModel['ownDetails'] {
  const { codes_per_hour: codesPerHour, codes_per_day: codesPerDay, ...rest } = own;
  return { codesPerHour, codesPerDay, ...rest };
}

function sendingOf({ sending }: ModelFile): OperatingModel['sending'] {
  const { percent, at_least: atLeast } = sending.pause_when_refused;
  return {
    urgentReserveShare: sending.urgent_reserve_percent / 100,
    pauseWhenRefused: { share: percent / 100, atLeast },
    probeEveryMs: sending.probe_every,
  };
}

function scalesOf({ declared_scales: scales }: ModelFile): OperatingModel['declaredScales'] {
  return Object.fromEntries(
    Object.entries(scales).map(([id, { label, set_by: setBy, levels }]) => [
      id,
      { label, setBy, levels },
    ]),
  );
}

function clocksOf({ reporting_clocks: clocks }: ModelFile): OperatingModel['reportingClocks'] {
  return Object.entries(clocks).map(([id, clock]) => {
    const { label, who, within: withinMs, counted_from: countedFrom, where } = clock;
    return { id, label, who, withinMs, countedFrom, where };
  });
}

function holdingOf({ holding, severities }: ModelFile): OperatingModel['holding'] {
  return {
    severity: severityOf([holding.severity, severities[holding.severity]!]),
    marking: holding.marking,
    audience: holding.audience,
    alone: holding.alone && { most: holding.alone.most, withinMs: holding.alone.within },
    texts: Object.entries(holding.texts).map(([id, { label, title, what, ...rest }]) => ({
      id,
      label,
      title,
      what,
      doNow: rest.do_now,
      notKnown: rest.not_known,
    })),
  };
}

function promisesOf({ promises }: ModelFile): OperatingModel['promises'] {
  const { approval, next_update: nextUpdate, call_back: callBack, review } = promises;
  const ladder = ({ steps }: { steps: readonly StepOfFile[] }, againAfterMs = 0): Ladder => ({
    steps: steps.map((step) => ({ wake: step.wake, afterMs: stepAfterMs(step) })),
    againAfterMs,
  });
  return {
    approval: {
      ...ladder(approval),
      severities: approval.severities,
      withinMs: approval.within,
    },
    nextUpdate: ladder(nextUpdate),
    callBack: ladder(callBack, callBack.again_after),
    review: { ...ladder(review), withinMs: review.within },
  };
}

function knownExploitedOf({ known_exploited: known, severities }: ModelFile) {
  const { severity, threat_type: threatType, what, do_now: doNow } = known;
  return { severity: severityOf([severity, severities[severity]!]), threatType, what, doNow };
}

function textsOf({ texts }: ModelFile): OperatingModel['texts'] {
  return {
    first: texts.first,
    firstMarked: texts.first_marked,
    nextInLine: texts.next_in_line,
    nextInLineMarked: texts.next_in_line_marked,
    reminder: texts.reminder,
    reminderMarked: texts.reminder_marked,
    update: texts.update,
    updateMarked: texts.update_marked,
    updateAsking: texts.update_asking,
    updateAskingMarked: texts.update_asking_marked,
    correction: texts.correction,
    correctionMarked: texts.correction_marked,
    withdrawal: texts.withdrawal,
    closing: texts.closing,
    approvePlease: texts.approve_please,
    updatePlease: texts.update_please,
    callPlease: texts.call_please,
    reviewPlease: texts.review_please,
    officersTold: texts.officers_told,
    regionTold: texts.region_told,
    afterReply: texts.after_reply,
    afterHelp: texts.after_help,
    notUnderstood: texts.not_understood,
    whichAlert: texts.which_alert,
    genuine: texts.genuine,
    genuineOther: texts.genuine_other,
    notOurs: texts.not_ours,
    toColleague: texts.to_colleague,
    enrol: texts.enrol,
    enrolled: texts.enrolled,
    stillRight: texts.still_right,
    stillRightNoted: texts.still_right_noted,
    ownCode: texts.own_code,
    probe: texts.probe,
  };
}

function rolesOf({ roles }: ModelFile): OperatingModel['roles'] {
  return Object.fromEntries(
    Object.entries(roles).map(([id, { given_for: givenFor, ...role }]) => [
      id,
      { ...role, ...(givenFor && { givenFor }) },
    ]),
  );
}

function signingInOf({ signing_in: rules }: ModelFile): OperatingModel['signingIn'] {
  return {
    passkeyFor: rules.passkey_for,
    passkeyAgainAfterMs: rules.passkey_again_after,
    firstPasskeyWithinMs: rules.first_passkey_within,
    sessionEndsIdleMs: rules.session_ends_idle,
    sessionEndsMs: rules.session_ends,
    linkHoldsForMs: rules.link_holds_for,
    codesPerHour: rules.codes_per_hour,
    codeMail: rules.code_mail,
    changedNotice: rules.changed_notice,
  };
}

function deskOf({ desk }: ModelFile): OperatingModel['desk'] {
  const { organisations, within } = desk.help_surge;
  return {
    callBackWithinMs: desk.call_back_within,
    claimHoldsForMs: desk.claim_holds_for,
    announcementsStandForMs: desk.announcements_stand_for,
    helpSurge: { organisations, withinMs: within },
  };
}

function retentionOf({ retention }: ModelFile): OperatingModel['retention'] {
  const { messages, inbox, imports, left, notes, sessions, invitations } = retention;
  const kept = { messagesMs: messages, inboxMs: inbox, importsMs: imports, leftMs: left };
  return { ...kept, notesMs: notes, sessionsMs: sessions, invitationsMs: invitations };
}
