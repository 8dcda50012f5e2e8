/** What changed from one wording to the next, as officers and approvers read it. Pure. */
import { severityById } from '#operating-model/index.ts';
import { changesBetween, type Change } from './diff.ts';
import type { KevSaid } from './kev/model.ts';
import type { Wording } from './model.ts';
import type { AlertContext } from './rendering.ts';
import { sectionsOfVersion } from './sections.ts';

/** The words of a version, and what the catalogue said of its CVEs when it was frozen. */
export type SaidWording = Wording & { readonly kev: KevSaid | null };

export function changesOf(
  before: SaidWording,
  after: SaidWording,
  { model, formatTime }: Pick<AlertContext, 'model' | 'formatTime'>,
): Change[] {
  return changesBetween(before, after, {
    field(wording, field) {
      if (field === 'severity')
        return severityById(model, wording.severity)?.label ?? wording.severity;
      if (field !== 'nextUpdateAt') return wording[field];
      return wording.nextUpdateAt === null ? '' : formatTime(wording.nextUpdateAt);
    },
    sections: (wording) => sectionsOfVersion(wording, { model, formatTime }),
  });
}
