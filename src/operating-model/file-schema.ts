/** The form of `operating-model.yaml`, key by key as the file writes it. */
import { z } from 'zod';
import { markings } from '#kernel/marking.ts';
import { channels } from './model.ts';
import { code, durationMs, id, line, minuteMs, minuteOfDay, permission, text } from './scalars.ts';

const LANES = 'allowed: 1 (live and critical), 2 (escalation), 3 (routine)';

const role = z.strictObject({
  label: line,
  given_for: z.enum(['region']).optional(),
  may: z.array(permission),
});

const round = z.strictObject({
  ranks: z.array(z.int().min(1).max(99)).min(1),
  after: durationMs,
});

const severity = z.strictObject({
  label: line,
  lane: z.int().min(1, LANES).max(3, LANES),
  channels: z.array(z.enum(channels)).min(1),
  rounds: z.array(round).min(1),
  reminders: z.array(round).max(5).default([]),
  quiet_hours: z.strictObject({ from: minuteOfDay, until: minuteOfDay }).optional(),
  call_list_after: durationMs.optional(),
  tell_region: z.strictObject({ after: minuteMs, wake: z.array(z.string()).min(1) }).optional(),
  acknowledge_within: durationMs,
  next_update_within: durationMs,
  send_expires_after: durationMs,
  spend_cap: z.number().min(0.01).max(1_000_000).multipleOf(0.01).optional(),
  recall_window: durationMs,
  decide_uncertain_after: durationMs,
  ask_for_receipt_after: z.array(durationMs).min(1).max(10),
});

const ONE_OF = 'must say how long before it is due, or how long after: one of the two';

const steps = z
  .array(
    z
      .strictObject({
        wake: z.array(z.string()).min(1),
        before: durationMs.optional(),
        after: durationMs.optional(),
      })
      .refine(({ before, after }) => (before === undefined) !== (after === undefined), ONE_OF)
      .meta({ oneOf: [{ required: ['before'] }, { required: ['after'] }] }),
  )
  .max(20);

const marking = z.enum(markings);

const axis = z.strictObject({ label: line, answers: z.record(id, line) });

const answersOf = z.array(z.string()).min(1).optional();

const severityMatrix = z.strictObject({
  impact: axis,
  spread: axis,
  confidence: axis,
  rules: z
    .array(
      z.strictObject({
        impact: answersOf,
        spread: answersOf,
        confidence: answersOf,
        severity: z.string(),
        because: line,
      }),
    )
    .min(1)
    .max(100),
});

const exercises = z.strictObject({
  mark: line.max(20),
  real_mark: line.max(25),
  severities: z.array(z.string()),
  hours: z.strictObject({ from: minuteOfDay, until: minuteOfDay }),
  most_in_30_days: z.strictObject({
    organisation: z.int().min(1).max(100),
    centre: z.int().min(1).max(1000),
  }),
  pages: z.strictObject({ regions: z.boolean(), centre: z.boolean() }),
});

export const fileSchema = z.strictObject({
  model: line,
  sender: line.max(20),
  help_line: line.regex(/\d{3}/, 'must hold a telephone number'),
  roles: z.record(id, role),
  signing_in: z.strictObject({
    passkey_for: z.array(permission),
    passkey_again_after: minuteMs,
    first_passkey_within: minuteMs,
    session_ends_idle: minuteMs,
    session_ends: minuteMs,
    link_holds_for: minuteMs,
    codes_per_hour: z.strictObject({
      person: z.int().min(1).max(59),
      network: z.int().min(1).max(10_000),
      all: z.int().min(1).max(100_000),
    }),
    code_mail: z.strictObject({ subject: line, body: text }),
    changed_notice: z.strictObject({ subject: line, body: text, text: line }),
  }),
  severities: z.record(id, severity),
  exercises,
  severity_matrix: severityMatrix,
  declared_scales: z.record(
    id,
    z.strictObject({ label: line.max(40), set_by: line.max(80), levels: z.record(id, line) }),
  ),
  reporting_clocks: z.record(
    id,
    z.strictObject({
      label: line.max(80),
      who: line,
      within: minuteMs,
      counted_from: line,
      where: line,
    }),
  ),
  marking_ceilings: z.strictObject({
    text: marking,
    mail: marking,
    link_with_code: marking,
    signed_in: marking,
    without_passkey: marking.default('AMBER'),
    indicators: marking,
  }),
  clear_line_for: z.array(z.string()),
  organisation_types: z.record(id, z.strictObject({ label: line, must_answer: z.boolean() })),
  region_names: z.record(code, line).default({}),
  region_map: z
    .array(z.array(z.union([code, z.literal('')])).max(12))
    .max(12)
    .default([]),
  contact_roles: z.record(id, z.strictObject({ label: line })),
  audiences: z.strictObject({ look_ahead: durationMs }),
  imports: z.strictObject({ alone_a_day: z.int().min(0).max(1_000_000) }),
  reader_kinds: z.record(id, z.strictObject({ label: line, chased: z.boolean() })),
  threats: z.strictObject({
    types: z.record(id, line),
    categories: z.record(id, line),
    vectors: z.record(id, line),
  }),
  texts: z.strictObject({
    first: text,
    first_marked: text,
    next_in_line: text,
    next_in_line_marked: text,
    reminder: text,
    reminder_marked: text,
    update: text,
    update_marked: text,
    update_asking: text,
    update_asking_marked: text,
    correction: text,
    correction_marked: text,
    withdrawal: text,
    closing: text,
    approve_please: text,
    update_please: text,
    call_please: text,
    review_please: text,
    officers_told: text,
    region_told: text,
    after_reply: text,
    after_help: text,
    not_understood: text,
    which_alert: text,
    genuine: text,
    genuine_other: text,
    not_ours: text,
    to_colleague: text,
    enrol: text,
    enrolled: text,
    still_right: text,
    still_right_noted: text,
    own_code: text,
    probe: text,
  }),
  holding: z.strictObject({
    severity: z.string(),
    marking,
    audience: line,
    alone: z
      .strictObject({
        most: z.int().min(1).max(20),
        within: durationMs.refine((ms) => ms >= 3_600_000, 'must be at least PT1H'),
      })
      .optional(),
    texts: z.record(
      id,
      z.strictObject({
        label: line.max(40),
        title: line.max(120),
        what: line.max(120),
        do_now: line.max(160),
        not_known: z.string().trim().max(500),
      }),
    ),
  }),
  do_now_texts: z.array(line.max(160)).max(50),
  known_exploited: z.strictObject({
    severity: z.string(),
    threat_type: z.string(),
    what: line.max(120),
    do_now: line.max(160),
  }),
  promises: z.strictObject({
    approval: z.strictObject({ severities: z.array(z.string()), within: minuteMs, steps }),
    next_update: z.strictObject({ steps }),
    call_back: z.strictObject({ again_after: durationMs, steps }),
    review: z.strictObject({
      within: minuteMs.refine((ms) => ms <= 86_400_000, 'must be P1D at most'),
      steps,
    }),
  }),
  asking_for_proof: z.strictObject({
    hour: z.int().min(7).max(20),
    again_after: durationMs.refine((ms) => ms >= 86_400_000, 'must be at least P1D'),
  }),
  proof_mail: z.strictObject({ subject: line.max(200), body: text }),
  proof_holds_for: durationMs,
  attestation: z.strictObject({
    every: durationMs.refine((ms) => ms >= 86_400_000, 'must be at least P1D'),
    mail: z.strictObject({ subject: line.max(200), body: text }),
  }),
  contact_card: z.strictObject({
    name: line.max(60),
    numbers: z
      .array(line.regex(/^\+?[\d ]{3,20}$/, 'must be a telephone number'))
      .min(1)
      .max(10),
  }),
  own_details: z.strictObject({
    codes_per_hour: z.strictObject({
      number: z.int().min(1).max(59),
      network: z.int().min(1).max(10_000),
      all: z.int().min(1).max(100_000),
    }),
    codes_per_day: z.int().min(1).max(200),
    mail: z.strictObject({ subject: line, body: text }),
    replaced: z.strictObject({ subject: line, body: text }),
    purpose: line.max(50),
    notice: z.string().trim().min(1).max(400),
  }),
  silent_after: z.int().min(1).max(100),
  text_price: z.strictObject({
    fragment_pence: z.number().min(0).max(100),
    vat_percent: z.number().min(0).max(100),
  }),
  sending: z.strictObject({
    urgent_reserve_percent: z.int().min(0).max(90),
    pause_when_refused: z.strictObject({
      percent: z.int().min(1).max(100),
      at_least: z.int().min(1).max(100_000),
    }),
    probe_every: durationMs.refine(
      (ms) => ms >= 60_000,
      'must be at least PT1M: each probe is a text that costs',
    ),
  }),
  texts_per_number: z.strictObject({ most: z.int().min(1).max(1000), within: durationMs }),
  retention: z.strictObject({
    messages: durationMs,
    inbox: durationMs,
    imports: durationMs,
    left: durationMs,
    notes: durationMs,
    sessions: durationMs,
    invitations: durationMs,
  }),
  passive_replies_per_hour: z.int().min(2).max(60),
  desk: z.strictObject({
    call_back_within: minuteMs,
    claim_holds_for: minuteMs,
    announcements_stand_for: minuteMs,
    help_surge: z.strictObject({ organisations: z.int().min(2).max(1000), within: minuteMs }),
  }),
});

export type ModelFile = z.output<typeof fileSchema>;

export type StepOfFile = ModelFile['promises']['next_update']['steps'][number];

/** Below 0: before it is due. */
export function stepAfterMs({ before, after }: StepOfFile): number {
  return before === undefined ? (after ?? 0) : -before;
}
