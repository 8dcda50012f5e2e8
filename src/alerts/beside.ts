/** A draft as it is saved beside a draft as it was typed, field by field. Pure. */
import type { questionFields } from '#organisations/index.ts';
import { many, type Form } from '#web/index.ts';
import type { contentFields } from './content/form.ts';
import type { wordingFields } from './form.ts';
import type { VersionKind } from './model.ts';

/** One field in which the two differ; what is empty is ''. */
export type Beside = {
  readonly label: string;
  readonly saved: string;
  readonly typed: string;
};

type Field =
  | (typeof wordingFields)[number]
  | (typeof contentFields)[number]
  | (typeof questionFields)[number];

const labels: Readonly<Record<Field, string>> = {
  title: 'Title',
  impact: 'Severity, first answer',
  spread: 'Severity, second answer',
  confidence: 'Severity, third answer',
  severity: 'Severity',
  severityReason: 'Why another severity',
  marking: 'Marking',
  what: 'What is happening',
  doNow: 'Do now',
  ifActed: 'If you acted already',
  clearLine: 'Do now, for anybody',
  notKnown: 'Not known yet',
  nextUpdateDate: 'Next update, day',
  nextUpdateTime: 'Next update, time',
  exploited: 'Being exploited now',
  safe: 'Safe to keep using',
  safeAsAtDate: 'Safe as at, day',
  safeAsAtTime: 'Safe as at, time',
  remediateByDate: 'Remediate by, day',
  remediateByTime: 'Remediate by, time',
  supersedes: 'Takes the place of',
  threatType: 'Type of threat',
  categories: 'Categories',
  vectors: 'Comes by',
  platforms: 'Affected platforms',
  cves: 'CVEs',
  stepsPatch: 'Steps: patch',
  stepsGuidance: 'Steps: guidance',
  stepsAction: 'Steps: action',
  stepsAware: 'Steps: aware',
  indicators: 'Indicators of compromise',
  sources: 'Definitive source',
  endorsed: 'Notices we endorse',
  declared: 'Declared by others',
  body: 'Details',
  ownText: 'Own text',
  asksAgain: 'Everybody answers again',
  types: 'Kinds of organisation',
  regions: 'Regions',
  systems: 'Systems',
  parents: 'Below',
  roles: 'Roles',
  ranks: 'Ranks',
  suppliers: 'Suppliers',
  products: 'Products',
  tags: 'Tags',
  mustAnswerOnly: 'Only who must answer',
  namedOnly: 'Only who is named',
  include: 'Also these',
  exclude: 'Not these',
  within: 'Saved audiences',
  added: 'And everybody of',
  without: 'But nobody of',
  audiences: 'Parts of the audience',
};

/** Every field of the form in which the two hold different words: of forty fields, the few to look at. */
export function besideEachOther(
  { kind, saved, typed }: { kind: VersionKind; saved: Form; typed: Form },
  {
    labels: more,
    named,
  }: {
    /** Of fields that the operating model adds. */
    labels: Readonly<Record<string, string>>;
    named: (field: string, value: string) => string;
  },
): Beside[] {
  return Object.entries({ ...labels, ...more }).flatMap(([field, label]) => {
    // Only an update asks for it.
    if (field === 'asksAgain' && kind !== 'update') return [];
    const [one, other] = [saved, typed].map((form) =>
      many(form[field])
        .map((value) => value.replaceAll('\r\n', '\n').trim())
        .filter((value) => value !== '')
        .map((value) => named(field, value))
        .join(', '),
    ) as [string, string];
    return one === other ? [] : [{ label, saved: one, typed: other }];
  });
}
