/** What the demonstration sector depends on, and audiences over it: fictional, by the same verbs. */
import { londonDay } from '#kernel/day.ts';
import { newId } from '#kernel/ids.ts';
import { ok, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { saveAudience } from '../audiences/audiences.ts';
import { everybody, type AskedQuestion } from '../model.ts';
import { listOrganisations } from '../store.ts';
import { sayUse } from '../suppliers/suppliers.ts';
import { tagOrganisation } from '../suppliers/tags.ts';
import { wordsOf, type SectorRules } from './demonstration-words.ts';

const GATEWAY = { supplier: 'Brightwater Systems', product: 'Brightwater Gateway' };
const RECORDS = { supplier: 'Quillfeather', product: 'Quillfeather Records' };
/** Of some: under the rules of health and care, and under others. */
const STROKE = { tag: 'Stroke centre', name: 'Stroke centres' };
const ALWAYS = { tag: 'Open day and night', name: 'Open day and night' };

/** So many of the organisations that must answer are told of. */
const TOLD_OF = 60;

const audiences: readonly { readonly name: string; readonly question: Partial<AskedQuestion> }[] = [
  { name: 'All who must answer', question: { mustAnswerOnly: true } },
  { name: 'Users of Brightwater Gateway', question: { products: [GATEWAY.product] } },
];

export async function importDemonstrationAudiences(
  tx: Tx,
  { now, rules }: { readonly now: Date; readonly rules?: SectorRules },
): Promise<Outcome<void>> {
  const some = wordsOf(rules) === undefined ? STROKE : ALWAYS;
  const question = { ...everybody, mustAnswerOnly: true };
  const organisations = await listOrganisations(tx, { question, limit: TOLD_OF });
  const saidOn = londonDay(now);
  for (const [i, { id: organisationId }] of organisations.entries()) {
    const said = { saidBy: 'Yearly survey of suppliers', saidOn, usedUntil: null };
    const uses = i % 3 === 0 ? [GATEWAY, RECORDS] : i % 3 === 1 ? [RECORDS] : [];
    for (const use of uses) {
      const done = await sayUse(tx, { ...use, ...said, organisationId, now });
      if (!done.ok) return done;
    }
    if (i % 5 !== 0) continue;
    const tagged = await tagOrganisation(tx, { organisationId, tag: some.tag, now });
    if (!tagged.ok) return tagged;
  }
  const tagged = { name: some.name, question: { tags: [some.tag] } };
  for (const { name, question: asked } of organisations.length > 0 ? [...audiences, tagged] : []) {
    const saved = await saveAudience(tx, {
      id: newId(),
      name,
      question: { ...everybody, ...asked },
      now,
    });
    if (!saved.ok) return saved;
  }
  return ok(undefined);
}
