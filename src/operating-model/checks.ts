/** Rules between the parts of the file: what a form cannot say. */
import { strictness, within } from '#kernel/marking.ts';
import { formatDuration } from './durations.ts';
import type { ModelFile } from './file-schema.ts';
import { error, warning, type Remark } from './findings.ts';
import { repeated } from './repeated.ts';
import { checkRoles, checkSigningIn } from './access-checks.ts';
import { blanksOf } from './blanks.ts';
import {
  checkAttestation,
  checkChangedNotice,
  checkCodeMail,
  checkOwnDetails,
  checkProofMail,
} from './mail-checks.ts';
import { notKnown } from './nearest.ts';
import { checkQuietHours } from './quiet-checks.ts';
import { checkExercises } from './exercise-checks.ts';
import { checkSpendCaps } from './spend-checks.ts';
import { checkReminders } from './reminder-checks.ts';
import { checkPromises, checkRegionsTold } from './promise-checks.ts';
import {
  checkClearLineFor,
  checkLeadsNowhere,
  checkMatrix,
  checkOrder,
  checkScales,
} from './rule-checks.ts';
import { checkDoNowTexts, checkHoldingTexts, checkTexts } from './text-checks.ts';

/** A longer wait is a plan for later, which an approval of now does not cover. */
const RECALL_MAX_MS = 10 * 60_000;

/** The database keeps what is younger, whatever the file says. */
const RETENTION_MIN_MS = 31 * 24 * 3_600_000;

function checkRetention(retention: ModelFile['retention']): Remark[] {
  return (['messages', 'inbox', 'left', 'notes'] as const)
    .filter((what) => retention[what] < RETENTION_MIN_MS)
    .map((what) => error(['retention', what], 'at least P31D: what happened must be told later'));
}

function checkRegionMap(rows: ModelFile['region_map']): Remark[] {
  return repeated(rows.flat().filter((code) => code !== '')).map((code) =>
    error(['region_map'], `‘${code}’ stands there twice`),
  );
}

export function crossCheck(file: ModelFile): Remark[] {
  return [
    ...checkRoles(file.roles),
    ...checkSigningIn(file.signing_in),
    ...checkCodeMail(file),
    ...checkChangedNotice(file),
    ...notEmpty(file, 'severities'),
    ...notEmpty(file, 'organisation_types'),
    ...notEmpty(file, 'contact_roles'),
    ...notEmpty(file, 'reader_kinds'),
    ...Object.entries(file.severities).flatMap(([id, severity]) => checkSeverity(id, severity)),
    ...checkOrder(file),
    ...checkSpendCaps(file),
    ...checkMatrix(file),
    ...checkScales(file),
    ...checkLeadsNowhere(file),
    ...checkCeilings(file.marking_ceilings),
    ...checkClearLineFor(file),
    ...checkOrganisationTypes(file.organisation_types),
    ...checkRegionMap(file.region_map),
    ...checkRetention(file.retention),
    ...checkOwnDetails(file),
    ...checkAttestation(file),
    ...checkProofMail(file),
    ...checkTexts(file),
    ...checkHolding(file),
    ...checkKnownExploited(file),
    ...checkDoNowTexts(file),
    ...checkPromises(file),
    ...checkQuietHours(file),
    ...checkExercises(file),
    ...checkReminders(file),
    ...checkRegionsTold(file),
  ];
}

function checkKnownExploited({ known_exploited: known, severities, threats }: ModelFile): Remark[] {
  const at = (field: string) => ['known_exploited', field];
  const remarks = (['what', 'do_now'] as const).flatMap((field) =>
    blanksOf(known[field])
      .filter((blank) => blank !== 'product' && blank !== 'cve')
      .map((blank) => error(at(field), `unknown blank {${blank}}; allowed: product, cve`)),
  );
  if (!Object.hasOwn(severities, known.severity))
    remarks.push(error(at('severity'), notKnown(known.severity, Object.keys(severities))));
  if (!Object.hasOwn(threats.types, known.threat_type))
    remarks.push(error(at('threat_type'), notKnown(known.threat_type, Object.keys(threats.types))));
  return remarks;
}

/** What the marking keeps out of texts would make a holding alert that says nothing. */
function checkHolding(file: ModelFile): Remark[] {
  const { severity, marking, texts } = file.holding;
  const remarks: Remark[] = [];
  if (!Object.hasOwn(file.severities, severity)) {
    const known = Object.keys(file.severities);
    remarks.push(error(['holding', 'severity'], notKnown(severity, known)));
  } else if (!file.severities[severity]!.channels.includes('text')) {
    remarks.push(error(['holding', 'severity'], `‘${severity}’ sends no texts`));
  }
  const ceiling = file.marking_ceilings.text;
  if (!within(marking, ceiling)) {
    remarks.push(error(['holding', 'marking'], `texts carry ${ceiling} at most`));
  }
  if (Object.keys(texts).length === 0) {
    remarks.push(error(['holding', 'texts'], 'needs at least one entry'));
  }
  return remarks.length > 0 ? remarks : checkHoldingTexts(file);
}

function notEmpty(
  file: ModelFile,
  key: 'severities' | 'organisation_types' | 'contact_roles' | 'reader_kinds',
): Remark[] {
  return Object.keys(file[key]).length === 0 ? [error([key], 'needs at least one entry')] : [];
}

/** Two minutes: below, a person would be asked what the next look-up answers. */
const UNCERTAIN_LEAST_MS = 120_000;

function checkSeverity(id: string, severity: ModelFile['severities'][string]): Remark[] {
  const at = (...path: (string | number)[]) => ['severities', id, ...path];
  const remarks = repeated(severity.channels).map((twice) =>
    error(at('channels'), `‘${twice}’ stands there twice`),
  );
  remarks.push(...checkRounds(severity.rounds, (...path) => at('rounds', ...path)));
  const last = severity.rounds.at(-1)!.after;
  for (const key of ['acknowledge_within', 'send_expires_after'] as const) {
    if (severity[key] > last) continue;
    const [deadline, round] = [formatDuration(severity[key]), formatDuration(last)];
    remarks.push(
      error(
        at(key),
        `${deadline} is over before the last round goes out (${round}): make it longer`,
      ),
    );
  }
  if (severity.recall_window > RECALL_MAX_MS) {
    const most = formatDuration(RECALL_MAX_MS);
    remarks.push(error(at('recall_window'), `at most ${most}: who approved expects it to leave`));
  }
  if (severity.next_update_within === 0) {
    remarks.push(error(at('next_update_within'), 'must be more than nothing'));
  }
  if (severity.decide_uncertain_after < UNCERTAIN_LEAST_MS) {
    remarks.push(
      error(
        at('decide_uncertain_after'),
        'the provider is asked twice first, which takes a minute and a half: write PT2M or more',
      ),
    );
  }
  const lastRound = severity.rounds.at(-1)!.after;
  if ((severity.call_list_after ?? lastRound) < lastRound)
    remarks.push(
      error(
        at('call_list_after'),
        `the last in line is told after ${formatDuration(lastRound)}: not before that`,
      ),
    );
  severity.ask_for_receipt_after.forEach((after, i, asks) => {
    if (after > (asks[i - 1] ?? 0)) return;
    remarks.push(error(at('ask_for_receipt_after', i), 'must be later than the one before'));
  });
  return remarks;
}

type Rounds = ModelFile['severities'][string]['rounds'];

function checkRounds(rounds: Rounds, at: (...path: (string | number)[]) => (string | number)[]) {
  const remarks: Remark[] = [];
  rounds.forEach(({ after }, i) => {
    if (i === 0 && after !== 0) {
      remarks.push(error(at(0, 'after'), 'the first round goes out at once: write PT0M'));
    }
    const before = rounds[i - 1]?.after ?? -1;
    if (i > 0 && after <= before) {
      remarks.push(
        error(at(i, 'after'), `must be later than the round before it (${formatDuration(before)})`),
      );
    }
  });
  const ranks = rounds.flatMap((round) => round.ranks);
  for (const twice of repeated(ranks)) {
    const again = rounds.findLastIndex((round) => round.ranks.includes(twice));
    remarks.push(error(at(again, 'ranks'), `rank ${twice} was called in this severity already`));
  }
  const missing = Array.from({ length: Math.max(...ranks) }, (_, i) => i + 1).filter(
    (rank) => !ranks.includes(rank),
  );
  if (missing.length > 0) {
    remarks.push(warning(at(), `rank ${missing.join(', ')} is never called`));
  }
  return remarks;
}

const PROVING_NOBODY = {
  text: 'a text',
  mail: 'a mail',
  link_with_code: 'a code',
  without_passkey: 'a sign-in without a passkey',
} as const;

function checkCeilings(ceilings: ModelFile['marking_ceilings']): Remark[] {
  const remarks: Remark[] = [];
  // TLP 2.0: AMBER+STRICT stays inside the organisation, RED with the persons named. Whoever has a
  // telephone, a mailbox or an account elsewhere has not shown that it is them.
  for (const [outlet, what] of Object.entries(PROVING_NOBODY)) {
    if (!within(ceilings[outlet as keyof typeof PROVING_NOBODY], 'AMBER'))
      remarks.push(
        error(['marking_ceilings', outlet], `at most AMBER: ${what} does not prove a person`),
      );
  }
  for (const [outlet, marking] of Object.entries(ceilings)) {
    if (strictness(marking) > strictness(ceilings.signed_in)) {
      remarks.push(
        error(
          ['marking_ceilings', outlet],
          `${marking} is stricter than what a signed-in reader may see (${ceilings.signed_in})`,
        ),
      );
    }
  }
  return remarks;
}

function checkOrganisationTypes(types: ModelFile['organisation_types']): Remark[] {
  if (Object.values(types).some((type) => type.must_answer)) return [];
  return [warning(['organisation_types'], 'no type must answer: nobody would ever be chased')];
}
