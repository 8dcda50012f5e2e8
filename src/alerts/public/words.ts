/** A version as its page shows it to whoever may read it. */
import { severityById, spokenDuration, type OperatingModel } from '#operating-model/index.ts';
import { dateTime } from '#web/index.ts';
import { sectionsToReaders } from '../content/model.ts';
import { renderMarkdown } from '../markdown.ts';
import { bannerOf, changesSince, wordOf, type PublicAlert, type PublicVersion } from './model.ts';

/**
 * How long shared caches keep a public page: a correction shows everywhere within this time. Longer
 * would spare us little: what is asked for often is asked for more than once in it.
 */
export const PUBLIC_FOR_SECONDS = 30;

export function severityLabel(model: OperatingModel, severity: string): string {
  return severityById(model, severity)?.label ?? severity;
}

function clocksOf({ reportingClocks }: OperatingModel) {
  return reportingClocks.map((clock) => ({ ...clock, within: spokenDuration(clock.withinMs) }));
}

/**
 * For `alerts/public-words.njk` and `alerts/public-details.njk`; `shown` is one of the versions.
 */
export function publicWords(
  { current, earlier }: PublicAlert,
  shown: PublicVersion,
  { model, host }: { readonly model: OperatingModel; readonly host: string },
) {
  const labelOf = (severity: string) => severityLabel(model, severity);
  const versions = [current, ...earlier];
  const place = versions.indexOf(shown);
  const isLater = place + 1 < versions.length;
  // What was withdrawn is not said again beside it: somebody might act on it.
  const before = shown.kind === 'withdrawal' ? undefined : versions[place + 1];
  // Pages of versions are for everybody: what only some may read has none.
  const open = current.marking === 'CLEAR' ? versions.filter((one) => one.marking === 'CLEAR') : [];
  const addressOf = ({ number }: PublicVersion) => `/${current.alertNumber}/versions/${number}`;
  const after = versions[place - 1];
  return {
    alert: shown,
    severityLabel: labelOf(shown.severity),
    sections: sectionsToReaders(shown, { model, formatTime: dateTime }),
    clocks: shown.kind === 'withdrawal' ? [] : clocksOf(model),
    bodyHtml: renderMarkdown(shown.body),
    banner: bannerOf(shown),
    before,
    isLater,
    firstReleasedAt: (versions.at(-1) ?? shown).releasedAt,
    changes:
      before === undefined
        ? []
        : changesSince(before, shown, {
            severityLabel: labelOf,
            sections: (version) => sectionsToReaders(version, { model, formatTime: dateTime }),
          }),
    /** The version that took its place. */
    after: after && { word: wordOf(after.kind), releasedAt: after.releasedAt },
    beforeHref: before !== undefined && open.includes(before) ? addressOf(before) : '',
    earlier: versions
      .slice(place + 1)
      .filter((one) => open.includes(one))
      .map((one) => ({
        href: addressOf(one),
        word: wordOf(one.kind),
        releasedAt: one.releasedAt,
      })),
    host,
  };
}
