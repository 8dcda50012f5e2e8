/** How far the directory reaches: a map, tables, and the tables as a file. */
import { z } from 'zod';
import { londonDay } from '#kernel/day.ts';
import type { Database } from '#db/database.ts';
import { csvFile, file, page, view, type Route } from '#web/index.ts';
import { asAtOf } from '../as-at.ts';
import {
  coverageBy,
  coverageTable,
  coverageTitles,
  drawMap,
  linesBy,
  percentOf,
} from './coverage.ts';
import { word } from '../proof/form-mend.ts';
import type { DirectoryRules } from '../model.ts';
import { readAsAt } from '../routes-as-at.ts';
import { showAhead } from '../successions/ahead.ts';
import { listCoverage } from './store-coverage.ts';

export type CoverageRoutesContext = {
  readonly database: Database;
  /** The operating model. */
  readonly model: DirectoryRules;
};

const coverageQuery = z.object({
  who: word,
  'as-at': word,
  /** What the map has a tile for. */
  map: z.enum(coverageBy).catch('region'),
});

export function coverageRoutes({ database, model }: CoverageRoutesContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/organisations/coverage',
      access: 'directory.read',
      query: coverageQuery,
      async handle({ actor, query, now }) {
        const mustAnswerOnly = query.who !== 'all';
        const asAt = asAtOf(query['as-at'], now);
        return await database.withActor(actor, (tx) =>
          showAhead(tx, asAt, async (ahead) => {
            const rows = await listCoverage(tx, { mustAnswerOnly, asAt });
            const all = rows.find(({ by }) => by === 'all')!;
            const groups = coverageBy.map((by) => ({
              by,
              title: coverageTitles[by],
              lines: linesBy(rows, by, model),
            }));
            const drawn = groups.find(({ by }) => by === query.map)!;
            return view('organisations/coverage.njk', {
              all: { ...all, percent: percentOf(all) },
              mustAnswerOnly,
              asAt: await readAsAt(tx, asAt, ahead),
              countedAt: now,
              mapBy: drawn.by,
              mapTitle: drawn.title,
              map: drawMap(drawn.lines, drawn.by === 'region' ? model.regionMap : []),
              groups,
            });
          }),
        );
      },
    }),
    page({
      method: 'GET',
      path: '/organisations/coverage.csv',
      access: 'directory.read',
      query: coverageQuery,
      async handle({ actor, query, now }) {
        const mustAnswerOnly = query.who !== 'all';
        const asAt = asAtOf(query['as-at'], now);
        const name = `coverage-${asAt?.day ?? londonDay(now)}.csv`;
        return await database.withActor(actor, (tx) =>
          showAhead(tx, asAt, async () => {
            const rows = await listCoverage(tx, { mustAnswerOnly, asAt });
            return file(name, 'text/csv; charset=utf-8', csvFile(coverageTable(rows, model)));
          }),
        );
      },
    }),
  ];
}
