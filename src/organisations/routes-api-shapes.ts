/** What the API takes and gives of the directory: the schemas check, and are the documentation. */
import { z } from 'zod';
import { instant, keysOf, meaningsOf, oneLine, pageQuery, uuid } from '#web/index.ts';
import { searchCursor } from './form-search.ts';
import { columnsOf } from './imports/columns.ts';
import { channels, type DirectoryRules, type ImportKind } from './model.ts';
import { PARTS_MAX } from './audiences/parse-audience.ts';

/** A body of this many bytes is a file of some 100,000 contacts. */
export const IMPORT_BYTES_MAX = 20 * 1024 * 1024;

/** More would be read by nobody; `counts.refused` says how many rows there are. */
export const REFUSED_SHOWN_MAX = 10_000;

const code = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,19}$/, 'Letters, digits and hyphens only, at most 20');

export const listQuery = (rules: DirectoryRules) =>
  z.strictObject({
    search: oneLine(100)
      .optional()
      .describe('Part of the name, the short name or the code')
      .meta({ examples: ['northmoor'] }),
    type: keysOf(rules.organisationTypes)
      .optional()
      .describe('A type of the operating model; with any of these filters only those open today'),
    region: code.optional().describe('Code of a region'),
    system: code.optional().describe('Code of a system'),
    parent: code.optional().describe('Code of an organisation: all below it, at any depth'),
    mustAnswer: z.enum(['true']).optional().describe('Only those that must answer'),
    asAt: z.iso
      .date()
      .optional()
      .describe('Those that existed on another day, as the directory had them at its end'),
    ...pageQuery(searchCursor),
  });

export const anotherDay = z.iso
  .date()
  .optional()
  .describe(
    'Another day. A past one: as the directory had it at its end. One to come: confirmed mergers and splits until then are counted as done',
  )
  .meta({ examples: ['2099-04-01'] });

const summaryShape = {
  id: uuid,
  code: z
    .string()
    .describe('What everything else refers to')
    .meta({ examples: ['ZZ-0001'] }),
  name: z.string().meta({ examples: ['Northmoor Teaching Hospitals'] }),
  shortName: z
    .string()
    .describe('How texts call it, 20 characters at most')
    .meta({ examples: ['Northmoor'] }),
  type: z.string().describe('A key of `organisation_types` in the operating model'),
  regionName: z.string().nullable(),
  systemName: z.string().nullable(),
  mustAnswer: z.boolean(),
  closedOn: z.iso.date().nullable().describe('The last day on which it existed'),
};

export const organisationSummary = z.strictObject({
  ...summaryShape,
  contacts: z.int().describe('Contacts who are told; those who left do not count'),
  isCutOff: z.boolean().describe('Its network may be in foreign hands: nobody acts for it'),
});

const contact = z.strictObject({
  id: uuid,
  name: z
    .string()
    .describe('Of the person or the post')
    .meta({ examples: ['On-call IT'] }),
  isPost: z.boolean(),
  role: z.string().describe('A key of `contact_roles` in the operating model'),
  rank: z.int().describe('1 is told first'),
  readerKind: z.string().describe('A key of `reader_kinds` in the operating model'),
  language: z.enum(['en', 'cy']),
  attestedAt: instant.nullable().describe('When it last said itself that all of it is right'),
  saysLeftAt: instant
    .nullable()
    .describe('Says that it has left; told until somebody has dealt with it'),
  hasTimes: z.boolean().describe('Has duty hours or absences, so is not told at any time'),
  sharesRank: z.boolean().describe('Is told together with another of its rank'),
  active: z.boolean().describe('False for somebody who has left: kept, and told nothing'),
  points: z.array(
    z.strictObject({
      contactPointId: uuid,
      channel: z.enum(channels),
      shown: z
        .string()
        .describe('Masked: no number or address leaves the directory in the clear')
        .meta({ examples: ['07700 ···201'] }),
      domain: z.string().nullable().describe('What stands behind the @; null for numbers'),
      provenAt: z.iso
        .datetime({ offset: true })
        .nullable()
        .describe('When somebody last gave back the code that went there'),
      askedAt: z.iso
        .datetime({ offset: true })
        .nullable()
        .describe('Asked for such a proof and not answered yet'),
      inUse: z
        .boolean()
        .describe('Alerts go to it: the first of its channel, or the next where that fails'),
      isStopped: z.boolean().describe('Nothing goes there: its network is cut off'),
      sharedWithCount: z.int().describe('Others of this organisation who have it'),
      sharedWith: z.array(z.string()).describe('The first of them by name'),
      sharedBy: z.int().describe('How many organisations have it; it gets one text for all'),
      alsoAt: z
        .array(z.strictObject({ id: uuid, name: z.string() }))
        .describe('The first of the other organisations that have it'),
    }),
  ),
});

export const organisationDetail = z.strictObject({
  ...summaryShape,
  addressLines: z.array(z.string()),
  postcode: z.string().nullable(),
  telephone: z.string().nullable().describe('The public switchboard; never texted'),
  latitude: z.number().nullable().describe('Degrees north, WGS 84'),
  longitude: z.number().nullable().describe('Degrees east, WGS 84'),
  serves: z.string().nullable().describe('Whom it serves, in words'),
  population: z.int().nullable().describe('How many people it serves'),
  populationOn: z.iso.date().nullable().describe('The day for which that was counted'),
  openedOn: z.iso.date().nullable(),
  addedAt: instant.describe('When it came into the directory'),
  contacts: z.array(contact).describe('By rank, then name'),
});

export const region = z.strictObject({
  code: z.string().meta({ examples: ['RA'] }),
  name: z.string().meta({ examples: ['North'] }),
  organisations: z.int().describe('Organisations there that exist today'),
});

export const place = region.extend({ regionCode: z.string().nullable() });

const names = z.array(oneLine(80).min(1)).max(1000).default([]);

const join = meaningsOf({
  and: 'only who is in it too, and only contacts of its roles and ranks',
  or: 'its organisations are added',
  not: 'its organisations are left out',
});

export const audienceQuestion = (rules: DirectoryRules) =>
  z
    .strictObject({
      types: z.array(keysOf(rules.organisationTypes)).max(100).default([]),
      regions: z.array(code).max(1000).default([]).describe('Codes of regions'),
      systems: z.array(code).max(1000).default([]).describe('Codes of systems'),
      parents: z
        .array(code)
        .max(1000)
        .default([])
        .describe('Codes of organisations: all that stand below one of them today, at any depth'),
      roles: z
        .array(keysOf(rules.contactRoles))
        .max(100)
        .default([])
        .describe('Only contacts with one of these roles'),
      ranks: z
        .array(z.int().min(1).max(9))
        .max(9)
        .default([])
        .describe('Only contacts of one of these ranks'),
      suppliers: names.describe('Those that use something of one of these suppliers'),
      products: names.describe('Those that use one of these products'),
      tags: names.describe('Those with one of these tags'),
      mustAnswerOnly: z.boolean().default(false),
      namedOnly: z
        .boolean()
        .default(false)
        .describe('Nobody but those of `include` and of audiences that are added'),
      include: z
        .array(code)
        .max(10_000)
        .default([])
        .describe('Codes of organisations beside those that the rest asks for'),
      exclude: z
        .array(code)
        .max(10_000)
        .default([])
        .describe('Codes left out whatever the rest says'),
      audiences: z
        .array(z.strictObject({ how: join, id: uuid, version: z.int().min(1).optional() }))
        .max(PARTS_MAX)
        .default([])
        .describe('Saved audiences, of today where no version is given'),
    })
    .describe('Which organisations, and which of their contacts; empty lists do not narrow')
    .meta({ examples: [{ types: ['trust'], mustAnswerOnly: true }] });

export const audiencePreview = z.strictObject({
  organisations: z.int(),
  mustAnswer: z.int(),
  contacts: z.int(),
  contactPoints: z
    .strictObject({ text: z.int(), mail: z.int() })
    .describe('Each number and address once, however many share it'),
  withoutAnyText: z.int().describe('Organisations that no text would reach'),
  withoutAny: z.int().describe('Organisations that nothing would reach'),
  unknownCodes: z
    .array(z.string())
    .describe('Named in the question, not in the directory; an alert with such a code is refused'),
});

const named = z.string().max(200).optional();

export const importBody = (kind: ImportKind) =>
  z.strictObject({
    fileName: oneLine(200)
      .min(1)
      .meta({ examples: ['organisations.csv'] }),
    content: z
      .string()
      .min(1)
      .describe('The CSV file; its first line names the columns (docs/importing.md)')
      .meta({ examples: ['code,name,type\nZZ-0001,Northmoor Teaching Hospitals,trust\n'] }),
    dryRun: z.boolean().default(false).describe('Say what would change, and change nothing'),
    allOrNothing: z.boolean().default(false).describe('Write nothing where a row is refused'),
    mapping: z
      .strictObject(Object.fromEntries(columnsOf[kind].map((name) => [name, named])))
      .default({})
      .describe('By our column the one of the file, or = and a value for all rows; remembered')
      .meta({ examples: [{ name: 'Full name' }] }),
  });

export const importResult = z.strictObject({
  kind: z.enum(['organisations', 'contacts']),
  dryRun: z.boolean(),
  importId: uuid.nullable().describe('Null where nothing changed'),
  counts: z
    .strictObject({
      added: z.int(),
      changed: z.int(),
      closed: z.int().describe('Get a closing date; contacts: are told nothing any more'),
      moved: z.int().describe('Get another region, system or parent'),
      unchanged: z.int(),
      refused: z.int(),
    })
    .describe('Rows of the file, each in one of them; what was right is in, unless withheld'),
  withheld: z.boolean().describe('All or nothing was asked for, and rows were refused'),
  refusedRows: z.array(
    z.strictObject({
      line: z.int().describe('Where the row begins; the first line of the file is 1'),
      field: z.string().describe('The column; empty where it is about the whole row'),
      reason: z.string().describe('Never repeats what stood in the cell'),
    }),
  ),
  refusedRowsLeftOff: z.int().describe('How many reasons this answer leaves off'),
  notes: z.array(z.string()).describe('Such as columns that are not read'),
});
