/** A version as its page shows it to whoever may read it. */
import { severityById, type OperatingModel } from '#operating-model/index.ts';
import { renderMarkdown } from '../markdown.ts';
import { bannerOf, changesSince, wordOf, type PublicAlert, type PublicVersion } from './model.ts';

/**
 * How long caches keep a public page: a correction shows everywhere within this time. Longer would
 * spare us little: what is asked for often is asked for more than once in it.
 */
export const PUBLIC_FOR_SECONDS = 30;

export function severityLabel(model: OperatingModel, severity: string): string {
  return severityById(model, severity)?.label ?? severity;
}

/** For `alerts/public-words.njk`; `shown` is one of the versions of `alert`. */
export function publicWords(
  { current, earlier }: PublicAlert,
  shown: PublicVersion,
  { model, host }: { readonly model: OperatingModel; readonly host: string },
) {
  const labelOf = (severity: string) => severityLabel(model, severity);
  const versions = [current, ...earlier];
  const place = versions.indexOf(shown);
  const before = versions[place + 1];
  const after = versions[place - 1];
  return {
    alert: shown,
    severityLabel: labelOf(shown.severity),
    bodyHtml: renderMarkdown(shown.body),
    banner: bannerOf(shown),
    before,
    firstReleasedAt: (versions.at(-1) ?? shown).releasedAt,
    changes: before === undefined ? [] : changesSince(before, shown, labelOf),
    /** The version that took its place. */
    after: after && { word: wordOf(after.kind), releasedAt: after.releasedAt },
    earlier: versions.slice(place + 1).map(({ number, kind, releasedAt }) => ({
      number,
      word: wordOf(kind),
      releasedAt,
    })),
    host,
  };
}
