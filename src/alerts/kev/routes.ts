/** The catalogue of known exploited vulnerabilities: looking into it, and bringing a file in. */
import { z } from 'zod';
import { may, type Actor } from '#kernel/actor.ts';
import type { Refused } from '#kernel/outcome.ts';
import { formModel, page, redirect, view, type Reply, type Route } from '#web/index.ts';
import type { AlertRoutesContext } from '#alerts/pages.ts';
import { importCatalogue } from './catalogue.ts';
import { KEV_BYTES_MAX, parseCatalogue } from './parse.ts';
import { findNewestImport, listEntries } from './store.ts';

const ENTRIES_SHOWN = 50;

/** More than a file may have, so that one somewhat too large is answered beside its field. */
const BODY_BYTES_MAX = KEV_BYTES_MAX + 1024 * 1024;

export function kevRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/kev',
      access: 'alert.read',
      query: z.object({ q: z.string().max(100).optional().catch(undefined) }),
      handle: async ({ actor, query }) => await showCatalogue(context, actor, query.q ?? ''),
    }),
    page({
      method: 'POST',
      path: '/kev',
      access: 'alert.write',
      bodyBytesMax: BODY_BYTES_MAX,
      async handle({ actor, files }) {
        const file = files['file'];
        const catalogue =
          file === undefined ? undefined : parseCatalogue(new Uint8Array(file.bytes));
        if (catalogue === undefined || !catalogue.ok)
          return await showCatalogue(context, actor, '', catalogue ?? NO_FILE);
        const done = await database.attempt(actor, (tx) => importCatalogue(tx, catalogue.value));
        if (!done.ok) return await showCatalogue(context, actor, '', done);
        const { version, added, changed, removed } = done.value;
        return redirect('/kev', {
          notice: `Catalogue ${version}: ${added} new, ${changed} changed, ${removed} gone.`,
        });
      },
    }),
  ];
}

const NO_FILE = { message: 'Choose the file' };

async function showCatalogue(
  { database }: AlertRoutesContext,
  actor: Actor,
  words: string,
  failed?: Pick<Refused, 'message'>,
): Promise<Reply> {
  const { newest, entries } = await database.withActor(actor, async (tx) => ({
    newest: await findNewestImport(tx),
    entries: await listEntries(tx, { words: words.trim(), most: ENTRIES_SHOWN }),
  }));
  const errors = failed === undefined ? {} : { file: failed.message };
  return view(
    'alerts/kev.njk',
    {
      newest,
      entries: entries.map((one) => ({ ...one, addedOn: new Date(one.addedOn) })),
      most: ENTRIES_SHOWN,
      words,
      mayWrite: may(actor, 'alert.write'),
      form: formModel(['file'], {}, errors),
    },
    failed === undefined ? {} : { status: 422 },
  );
}
