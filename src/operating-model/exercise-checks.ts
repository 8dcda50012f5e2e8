/** Rules of exercises under which none could be held, or one could pass for a live alert. */
import type { ModelFile } from './file-schema.ts';
import { error, warning, type Remark } from './findings.ts';
import { notKnown } from './nearest.ts';

export function checkExercises({ exercises: rules, severities }: ModelFile): Remark[] {
  const at = (...path: string[]) => ['exercises', ...path];
  const known = Object.keys(severities);
  const remarks: Remark[] = rules.severities.flatMap((id, i) => {
    if (!known.includes(id)) return [error(at('severities'), notKnown(id, known))];
    const isTwice = rules.severities.indexOf(id) < i;
    return isTwice ? [error(at('severities'), `‘${id}’ stands there twice`)] : [];
  });
  if (rules.severities.length === 0)
    remarks.push(warning(at('severities'), 'names none: no exercise can be held'));
  const { from, until } = rules.hours;
  if (from >= until)
    remarks.push(
      error(at('hours', 'until'), 'must be later on the same day: else exercises leave at night'),
    );
  const [mark, realMark] = [rules.mark.toLowerCase(), rules.real_mark.toLowerCase()];
  if (realMark.startsWith(mark))
    remarks.push(
      error(at('real_mark'), 'begins as that of an exercise: nobody would tell them apart'),
    );
  const { organisation, centre } = rules.most_in_30_days;
  if (organisation > centre)
    remarks.push(
      warning(at('most_in_30_days', 'organisation'), `never holds: the centre sends ${centre}`),
    );
  const isTold = rules.severities.some((id) => severities[id]?.tell_region !== undefined);
  if (rules.pages.regions && !isTold)
    remarks.push(
      warning(
        at('pages', 'regions'),
        'leads nowhere: no severity that may be exercised tells a region',
      ),
    );
  return remarks;
}
