/** What officers read of a version beside its first fields: the threat, and words for some readers. */
import { sectionsOf, type Said, type Section } from './content/model.ts';
import { readerSections, type ReaderWords } from './readers/model.ts';
import type { AlertContext } from './rendering.ts';

export function sectionsOfVersion(
  { content, kev, readerWords }: Said & { readonly readerWords: ReaderWords },
  { model, formatTime }: Pick<AlertContext, 'model' | 'formatTime'>,
): Section[] {
  return [
    ...sectionsOf({ content, kev }, { model, formatTime }),
    ...readerSections(readerWords, model),
  ];
}
