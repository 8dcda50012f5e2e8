/** What officers read of a version beside its first fields: the threat, and words for some readers. */
import { sectionsOf, type Section } from './content/model.ts';
import type { Wording } from './model.ts';
import { readerSections } from './readers/model.ts';
import type { AlertContext } from './rendering.ts';

export function sectionsOfVersion(
  { content, readerWords }: Pick<Wording, 'content' | 'readerWords'>,
  { model, formatTime }: Pick<AlertContext, 'model' | 'formatTime'>,
): Section[] {
  return [...sectionsOf(content, { model, formatTime }), ...readerSections(readerWords, model)];
}
