/** An entry of the catalogue as the composer's form has it. */
import { fillBlanks, type OperatingModel } from '#operating-model/index.ts';
import type { Form } from '#web/index.ts';
import { contentAsFields } from '#alerts/content/form.ts';
import { noContent } from '#alerts/content/model.ts';
import { LINE_MAX } from '#alerts/content/parse.ts';
import { nextUpdateWithin } from '#alerts/next-update.ts';
import type { KevEntry } from './model.ts';

/** Most addresses that an alert takes over as its source. */
const SOURCES_MAX = 3;

/** The composer's fields for an alert about this entry, in the words of the operating model. */
export function fieldsFromEntry(entry: KevEntry, model: OperatingModel, now: Date): Form {
  const { knownExploited, threats } = model;
  const { vendor, product } = entry;
  const named = product.toLowerCase().startsWith(vendor.toLowerCase())
    ? product
    : `${vendor} ${product}`;
  const fill = (text: string) => fillBlanks(text, { product: named, cve: entry.cve });
  const type = knownExploited.threatType;
  return {
    title: shortened(entry.name, 120),
    severity: knownExploited.severity.id,
    ...nextUpdateWithin(knownExploited.severity.nextUpdateWithinMs, now),
    what: shortened(fill(knownExploited.what), 120),
    doNow: shortened(fill(knownExploited.doNow), 160),
    // What the catalogue says besides stands below it, with its time.
    body: entry.description,
    ...contentAsFields({
      ...noContent,
      exploited: 'yes',
      threatType: Object.hasOwn(threats.types, type) ? type : null,
      platforms: [shortened(named, LINE_MAX)],
      cves: [entry.cve],
      steps: [{ type: 'Action', text: shortened(entry.requiredAction, LINE_MAX), link: '' }],
      sources: entry.links.slice(0, SOURCES_MAX),
    }),
  };
}

/** Cut at a blank, and seen to be cut. */
function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), most / 2)).trimEnd()}…`;
}
