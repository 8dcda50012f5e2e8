/** What a draft would come to, on one page: `dry-run.ts`. */
import { z } from 'zod';
import { becauseTime, severityFor } from '#operating-model/index.ts';
import type { AudienceQuestion } from '#organisations/index.ts';
import {
  cursorOf,
  notFound,
  oneLine,
  page,
  PAGE_ROWS,
  pageOf,
  redirect,
  refusedPage,
  view,
  type Route,
} from '#web/index.ts';
import { listHeldAudiences } from './audience.ts';
import { dryRun } from './dry-run.ts';
import { idParams, type AlertRoutesContext } from './pages.ts';
import { EXAMPLE } from './preview.ts';
import type { Gap } from './store-dry-run.ts';
import { findVersion } from './store.ts';

/** Those that must answer first, then by name: as `listGaps` orders. */
export const gapCursor = cursorOf(z.tuple([z.int().min(0).max(1), oneLine(300), oneLine(20)]));

export function gapKey({ mustAnswer, name, code }: Gap): (string | number)[] {
  return [mustAnswer ? 0 : 1, name, code];
}

export function dryRunRoutes(context: AlertRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id/dry-run',
      access: 'alert.read',
      params: idParams,
      query: z.object({ after: gapCursor.optional().catch(undefined) }),
      handle: async ({ actor, params: { id }, query: { after }, now }) =>
        await database.withActor(actor, async (tx) => {
          const version = await findVersion(tx, id);
          if (version === undefined) return notFound();
          if (version.state !== 'draft' && version.state !== 'submitted')
            return redirect(`/alerts/${id}`);
          const found = await dryRun(tx, context, {
            version,
            now,
            page: { after, limit: PAGE_ROWS + 1 },
          });
          if (!found.ok) return refusedPage(found);
          const { rows, next } = pageOf(found.value.gaps, PAGE_ROWS, gapKey);
          const severity = severityFor(model, version);
          return view('alerts/dry-run.njk', {
            version,
            run: found.value,
            roles: model.contactRoles,
            quiet: severity && becauseTime(model, severity, 'quiet_hours'),
            severityLabel: severity?.label ?? version.severity,
            gaps: rows.map((gap) => ({ ...gap, missing: missingOf(gap, found.value.rounds) })),
            next,
            isFirst: after === undefined,
            held: await listHeldAudiences(tx, version.audience as AudienceQuestion),
            example: EXAMPLE,
            countedAt: now,
            clocks: found.value.forecast && {
              everyOrganisation: clockAt(now, found.value.forecast.everyOrganisationMs),
              firstRound: clockAt(now, found.value.forecast.firstRoundMs),
              lastText: clockAt(now, found.value.forecast.lastTextMs),
            },
          });
        }),
    }),
  ];
}

/** What is missing, as somebody would mend it: "rank 2 (round 2)". */
function missingOf(
  { silentRounds }: Gap,
  rounds: readonly { readonly round: number; readonly ranks: readonly number[] }[],
): string[] {
  return silentRounds.map((round) => {
    const ranks = rounds.find((one) => one.round === round)?.ranks ?? [];
    return `${ranks.length === 1 ? 'rank' : 'ranks'} ${ranks.join(', ')} (round ${round})`;
  });
}

/** The clock on the wall then, if it were released now. */
function clockAt(now: Date, ms: number | null): Date | null {
  return ms === null ? null : new Date(now.getTime() + ms);
}
