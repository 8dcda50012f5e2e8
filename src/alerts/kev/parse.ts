/** A catalogue file becomes entries, or says which of them is wrong. Only known fields are read. */
import { z } from 'zod';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { day, hasYear } from '#web/index.ts';
import type { Catalogue, KevEntry } from './model.ts';

/** The file of 2025 has 1.2 MB. */
export const KEV_BYTES_MAX = 20 * 1024 * 1024;

const words = (most: number) => z.string().trim().min(1).max(most);

const entry = z.object({
  cveID: z
    .string()
    .trim()
    .regex(/^CVE-\d{4}-\d{4,19}$/),
  vendorProject: words(200),
  product: words(300),
  vulnerabilityName: words(500),
  dateAdded: day,
  shortDescription: words(5_000),
  requiredAction: words(5_000),
  dueDate: day.nullable().optional(),
  knownRansomwareCampaignUse: z.string().optional(),
  notes: z.string().max(20_000).optional(),
});

const file = z.object({
  catalogVersion: words(40),
  dateReleased: z.iso.datetime({ offset: true }).refine(hasYear),
  vulnerabilities: z.array(z.unknown()).min(1).max(100_000),
});

const NO_FILE =
  'This is no catalogue of CISA KEV: choose known_exploited_vulnerabilities.json as it was downloaded';

/** The catalogue; refused as a whole where one entry is wrong, which it names. */
export function parseCatalogue(bytes: Uint8Array): Outcome<Catalogue> {
  if (bytes.length > KEV_BYTES_MAX) return refused('invalid', 'The file is larger than 20 MB');
  const read = file.safeParse(jsonOf(bytes));
  if (!read.success) return refused('invalid', NO_FILE);
  const { catalogVersion: version, dateReleased, vulnerabilities } = read.data;
  const entries = new Map<string, KevEntry>();
  for (const [i, one] of vulnerabilities.entries()) {
    const parsed = entry.safeParse(one);
    if (!parsed.success) {
      const field = parsed.error.issues[0]?.path.join('.') ?? '';
      return refused(
        'invalid',
        `Entry ${i + 1} is not as CISA writes it, at ${field || 'its form'}`,
      );
    }
    const { cveID: cve } = parsed.data;
    if (entries.has(cve)) return refused('invalid', `${cve} stands in the file twice`);
    entries.set(cve, entryOf(parsed.data));
  }
  return ok({ version, releasedAt: new Date(dateReleased), entries: [...entries.values()] });
}

function entryOf(one: z.output<typeof entry>): KevEntry {
  return {
    cve: one.cveID,
    vendor: oneLine(one.vendorProject),
    product: oneLine(one.product),
    name: oneLine(one.vulnerabilityName),
    addedOn: one.dateAdded,
    description: oneLine(one.shortDescription),
    requiredAction: oneLine(one.requiredAction),
    dueOn: one.dueDate ?? null,
    ransomware: one.knownRansomwareCampaignUse === 'Known',
    links: linksOf(one.notes ?? ''),
  };
}

/** Without line ends, control characters and marks that turn the direction of reading. */
function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu, ' ')
    .replaceAll(/[{}]/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Notes are sentences and addresses with semicolons between. */
function linksOf(notes: string): string[] {
  const found = notes.match(/https:\/\/[^\s;,"<>]+/g) ?? [];
  return [...new Set(found)].filter((url) => URL.canParse(url) && url.length <= 300);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
