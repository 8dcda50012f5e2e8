/** The log of imports, and the undo of the last one. */
import { z } from 'zod';
import { may } from '#kernel/actor.ts';
import {
  cursorOf,
  formIdOf,
  page,
  PAGE_ROWS,
  pageOf,
  redirect,
  refusedPage,
  view,
  type Route,
} from '#web/index.ts';
import { kindLabels } from './form-import.ts';
import { beginUndo } from './import-run.ts';
import type { UndoCounts } from '../model.ts';
import type { OrganisationRoutesContext } from '../routes-context.ts';
import { listImports } from '../store-pages.ts';
import { previewUndo } from './undo.ts';

const idParams = z.object({ id: z.uuid() });

export function logRoutes(context: OrganisationRoutesContext): Route[] {
  return [logRoute(context), ...undoRoutes(context)];
}

function logRoute({ database }: OrganisationRoutesContext): Route {
  return page({
    method: 'GET',
    path: '/organisations/imports',
    access: 'directory.read',
    query: z.object({
      after: cursorOf(z.tuple([z.uuid()]))
        .optional()
        .catch(undefined),
    }),
    async handle({ actor, query }) {
      const [after] = query.after ?? [];
      const found = await database.withActor(actor, (tx) =>
        listImports(tx, { ...(after !== undefined && { after }), limit: PAGE_ROWS + 1 }),
      );
      const { rows, next } = pageOf(found, PAGE_ROWS, ({ id }) => [id]);
      const mayUndo = may(actor, 'directory.write');
      const imports = rows.map((row) => ({
        ...row,
        kindLabel: kindLabels[row.kind],
        mayUndo: mayUndo && row.canBeUndone,
      }));
      return view('organisations/imports.njk', { imports, next });
    },
  });
}

function undoRoutes({ database, secrets }: OrganisationRoutesContext): Route[] {
  const path = '/organisations/imports/:id/undo';
  return [
    page({
      method: 'GET',
      path,
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params }) {
        const undo = await database.withActor(actor, (tx) => previewUndo(tx, params.id));
        if (!undo.ok) return refusedPage(undo);
        const { counts, left, import: last } = undo.value;
        return view('organisations/undo.njk', {
          counts,
          left,
          last,
          kindLabel: kindLabels[last.kind],
          leftOff: counts.left - left.length,
          rows: counts.removed + counts.ended + counts.putBack,
          formId: formIdOf({}),
        });
      },
    }),
    page({
      method: 'POST',
      path,
      access: 'directory.write',
      params: idParams,
      async handle({ actor, params, form, now }) {
        const id = formIdOf(form);
        const begun = await database.attempt(actor, (tx) =>
          beginUndo(tx, { id, importId: params.id }, { secrets, now }),
        );
        return begun.ok ? redirect(`/organisations/import/${id}`) : refusedPage(begun);
      },
    }),
  ];
}

export function undoneSentence({ removed, ended, putBack, left }: UndoCounts): string {
  const parts = [
    [removed, 'removed'],
    [putBack, 'put back'],
    [ended, 'kept, and told nothing any more'],
    [left, 'left, because somebody changed them since'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return `Undone: ${said.length === 0 ? 'names of regions and systems' : said.join(', ')}.`;
}
