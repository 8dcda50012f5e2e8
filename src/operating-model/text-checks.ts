/** The saved texts: their blanks, what may not stand in them, and whether they fit one fragment. */
import { smsText } from '#kernel/sms-text.ts';
import type { ModelFile } from './file-schema.ts';
import { error, warning, type Remark } from './findings.ts';
import { blanksOf, fillBlanks } from './blanks.ts';
import { nearestName } from './nearest.ts';

type TextKey = keyof ModelFile['texts'];

const COMMON = ['sender', 'alert', 'severity', 'organisation', 'code', 'help_line'];

// Without {what} and {do_now}: above the ceiling of texts, the body stays at home (P8). The one
// line that is CLEAR goes instead.
const MARKED = {
  known: [...COMMON, 'marking', 'clear_line'],
  needed: ['sender', 'alert', 'organisation', 'marking', 'clear_line', 'code'],
};

const DUE = {
  known: ['sender', 'alert', 'severity', 'due', 'help_line'],
  needed: ['sender', 'alert', 'due'],
};

/** Which blanks each text may have, and which it cannot do without. */
const BLANKS: Readonly<Record<TextKey, { known: readonly string[]; needed: readonly string[] }>> = {
  first: {
    known: [...COMMON, 'what', 'do_now'],
    needed: ['sender', 'alert', 'organisation', 'what', 'do_now', 'code'],
  },
  first_marked: MARKED,
  next_in_line: {
    known: [...COMMON, 'since', 'do_now'],
    needed: ['sender', 'alert', 'organisation', 'code'],
  },
  next_in_line_marked: {
    known: [...COMMON, 'since', 'marking', 'clear_line'],
    needed: ['sender', 'alert', 'organisation', 'marking', 'clear_line', 'code'],
  },
  reminder: {
    known: [...COMMON, 'do_now'],
    needed: ['sender', 'alert', 'organisation', 'code'],
  },
  reminder_marked: MARKED,
  update: {
    known: [...COMMON, 'what', 'do_now'],
    needed: ['sender', 'alert', 'organisation', 'what', 'do_now', 'code'],
  },
  update_marked: MARKED,
  update_asking: {
    known: [...COMMON, 'what', 'do_now'],
    needed: ['sender', 'alert', 'organisation', 'what', 'do_now', 'code'],
  },
  update_asking_marked: MARKED,
  // What they have to do now may leave no room for what is happening.
  correction: {
    known: [...COMMON, 'what', 'do_now', 'if_acted'],
    needed: ['sender', 'alert', 'organisation', 'do_now', 'if_acted', 'code'],
  },
  correction_marked: MARKED,
  // No word of the alert: it goes for every marking, and is approved before anybody knows why.
  withdrawal: {
    known: ['sender', 'alert', 'organisation', 'help_line'],
    needed: ['sender', 'alert', 'organisation'],
  },
  closing: {
    known: ['sender', 'alert', 'organisation', 'help_line'],
    needed: ['sender', 'alert', 'organisation'],
  },
  approve_please: {
    known: ['sender', 'alert', 'severity', 'since', 'help_line'],
    needed: ['sender', 'alert'],
  },
  update_please: DUE,
  call_please: DUE,
  review_please: DUE,
  officers_told: {
    known: ['sender', 'alert', 'severity', 'what', 'time', 'help_line'],
    needed: ['sender', 'alert', 'what', 'time'],
  },
  region_told: {
    known: ['sender', 'alert', 'severity', 'region', 'silent', 'asked', 'help_line'],
    needed: ['sender', 'alert', 'region', 'silent'],
  },
  after_reply: {
    known: [...COMMON, 'said', 'time', 'link', 'next_news'],
    needed: ['sender', 'alert', 'said', 'code'],
  },
  after_help: {
    known: [...COMMON, 'time', 'call_back'],
    needed: ['sender', 'alert', 'help_line'],
  },
  not_understood: {
    known: ['sender', 'time', 'help_line', 'code'],
    needed: ['sender', 'help_line'],
  },
  which_alert: { known: ['sender', 'codes', 'time', 'help_line'], needed: ['sender', 'codes'] },
  genuine: {
    known: [...COMMON, 'time'],
    needed: ['sender', 'alert', 'organisation', 'time'],
  },
  genuine_other: { known: ['sender', 'time', 'help_line'], needed: ['sender', 'time'] },
  not_ours: { known: ['sender', 'help_line'], needed: ['sender', 'help_line'] },
  to_colleague: { known: ['sender', 'time', 'help_line'], needed: ['sender'] },
  // The first that anybody hears of us: who holds the number, from whom, and what for.
  enrol: {
    known: ['sender', 'organisation', 'purpose', 'code', 'help_line'],
    needed: ['sender', 'organisation', 'purpose', 'code', 'help_line'],
  },
  enrolled: {
    known: ['sender', 'organisation', 'link', 'help_line'],
    needed: ['sender', 'organisation'],
  },
  still_right: {
    known: ['sender', 'organisation', 'code', 'help_line'],
    needed: ['sender', 'organisation', 'code'],
  },
  still_right_noted: {
    known: ['sender', 'organisation', 'help_line'],
    needed: ['sender', 'organisation'],
  },
  own_code: { known: ['sender', 'code', 'help_line'], needed: ['sender', 'code'] },
  probe: { known: ['sender', 'time'], needed: ['sender'] },
};

/** A usual alert, not the shortest: what a text is measured with. */
const TYPICAL: Readonly<Record<string, string>> = {
  alert: '4901',
  organisation: 'Northmoor',
  what: 'ransomware via Citrix.',
  do_now: 'Isolate Citrix gateways now.',
  if_acted: 'If you did, reconnect.',
  // The longest of `saidWords` in responses.
  said: 'not affected',
  clear_line: 'Isolate Citrix gateways now. ',
  code: '4821',
  codes: '7313 is 4902 of 12:05, 4821 is 4901 of 03:02',
  since: '03:02',
  due: 'late, due 05:00',
  time: '03:12',
  link: 'cyber.example/4901',
  next_news: 'Next news 30 Nov 04:00. ',
  call_back: ' by 03:27',
  marking: 'AMBER',
  region: 'North East and Yorkshire',
  silent: '23',
  asked: '104',
};

// A link in the first text teaches people to follow links in texts; and it is what an attacker
// would send.
const LINK = /https?:|www\.|\{link\}/i;
const UNASKED: readonly TextKey[] = [
  'first',
  'first_marked',
  'next_in_line',
  'next_in_line_marked',
  'reminder',
  'reminder_marked',
  'update',
  'update_marked',
  'update_asking',
  'update_asking_marked',
  'correction',
  'correction_marked',
  'withdrawal',
  'closing',
  'approve_please',
  'update_please',
  'call_please',
  'review_please',
  'officers_told',
  'region_told',
  'enrol',
  'still_right',
  'own_code',
];

export function checkTexts(file: ModelFile): Remark[] {
  return (Object.keys(BLANKS) as TextKey[]).flatMap((key) => {
    const wrong = checkBlanks(key, file.texts[key]);
    return wrong.length > 0 ? wrong : checkLength(key, file);
  });
}

function checkBlanks(key: TextKey, template: string): Remark[] {
  const path = ['texts', key];
  const { known, needed } = BLANKS[key];
  const used = blanksOf(template);
  const remarks = used
    .filter((blank) => !known.includes(blank))
    .map((blank) => {
      const meant = nearestName(blank, known);
      const hint = meant ? `, did you mean {${meant}}?` : '';
      return error(path, `unknown blank {${blank}}${hint}; allowed: ${known.join(', ')}`);
    });
  for (const blank of needed.filter((name) => !used.includes(name))) {
    remarks.push(error(path, `cannot do without {${blank}}`));
  }
  if (/[{}]/.test(template.replaceAll(/\{[^{}]*\}/g, ''))) {
    remarks.push(error(path, 'a brace is open: blanks are written {name}'));
  }
  if (UNASKED.includes(key) && LINK.test(template)) {
    remarks.push(error(path, 'no link in a text that nobody asked for'));
  }
  return remarks;
}

/** The saved texts of holding alerts: each is sent as it stands, in the usual first text. */
export function checkHoldingTexts(file: ModelFile): Remark[] {
  const { severity, texts } = file.holding;
  // What is wrong with the first text is said of the first text.
  if (checkBlanks('first', file.texts.first).length > 0) return [];
  const label = file.severities[severity]!.label.toUpperCase();
  return Object.entries(texts).flatMap(([id, { what, do_now }]) => {
    const path = ['holding', 'texts', id];
    if (/[{}]/.test(what + do_now)) return [error(path, 'no blanks here: it is sent as it stands')];
    if (LINK.test(what + do_now)) return [error(path, 'no link in a text that nobody asked for')];
    const filled = fillBlanks(file.texts.first, {
      ...TYPICAL,
      severity: label,
      what: `${what}.`,
      do_now,
      sender: file.sender,
      help_line: file.help_line,
    });
    return measure(path, filled, file.exercises);
  });
}

/** As short and as long as the author may fill a blank, for measuring. */
const FILLED = ['X', 'Citrix NetScaler ADC'];

/** The saved texts for "do now", in the usual first text, with every length of their blanks. */
export function checkDoNowTexts(file: ModelFile): Remark[] {
  if (checkBlanks('first', file.texts.first).length > 0) return [];
  return file.do_now_texts.flatMap((text, i) => {
    const path = ['do_now_texts', i];
    if (LINK.test(text)) return [error(path, 'no link in a text that nobody asked for')];
    const blanks = blanksOf(text);
    if (blanks.some((blank) => OF_RECIPIENT.includes(blank)))
      return [error(path, `${OF_RECIPIENT.join(', ')} are filled in for each recipient`)];
    if (/[{}]/.test(text.replaceAll(/\{[a-z ]+\}/g, '')))
      return [error(path, 'blanks are written {name}, in lower case')];
    const remarks = FILLED.map((filled) => {
      const doNow = fillBlanks(text, Object.fromEntries(blanks.map((blank) => [blank, filled])));
      return measure(path, firstWith(file, { do_now: doNow }), file.exercises);
    });
    return remarks.find(({ length }) => length > 0) ?? [];
  });
}

const OF_RECIPIENT = ['organisation', 'code', 'since'];

/** The usual first text at the severity with the longest name. */
function firstWith(file: ModelFile, words: Readonly<Record<string, string>>): string {
  return fillBlanks(file.texts.first, {
    ...TYPICAL,
    ...words,
    severity: longestLabel(file),
    sender: file.sender,
    help_line: file.help_line,
  });
}

function longestLabel({ severities }: ModelFile): string {
  const labels = Object.values(severities).map(({ label }) => label.toUpperCase());
  return labels.reduce((longest, label) => (label.length > longest.length ? label : longest), '');
}

function checkLength(key: TextKey, file: ModelFile): Remark[] {
  const filled = fillBlanks(file.texts[key], {
    ...TYPICAL,
    purpose: file.own_details.purpose,
    severity: longestLabel(file),
    sender: file.sender,
    help_line: file.help_line,
  });
  return measure(['texts', key], filled, file.exercises);
}

function measure(
  path: (string | number)[],
  filled: string,
  marks: ModelFile['exercises'],
): Remark[] {
  const live = smsText(filled);
  if (live.tooLong) return [error(path, `${live.characters} characters: the provider refuses it`)];
  if (live.fragments > 1) {
    return [warning(path, `takes ${live.fragments} fragments with usual values, one is the aim`)];
  }
  const rehearsed = smsText(`${marks.mark} ${filled}`);
  if (rehearsed.tooLong || smsText(`${marks.real_mark} ${filled}`).tooLong)
    return [error(path, 'the provider refuses it with a mark of exercises before it')];
  // Beside an exercise a live text may cost twice: that it is real matters more.
  if (rehearsed.fragments > 1)
    return [warning(path, `takes ${rehearsed.fragments} fragments as an exercise, one is the aim`)];
  return [];
}
