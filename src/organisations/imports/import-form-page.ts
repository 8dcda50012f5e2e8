/** The page on which a file is chosen, also where one is gone. */
import type { FieldErrors, Refused } from '#kernel/outcome.ts';
import { formModel, refusedPage, view, type Form, type Reply } from '#web/index.ts';
import { FILE_BYTES_MAX, importFields, kindLabels, tooLarge } from './form-import.ts';
import type { OwnRun } from './import-run.ts';
import { contactColumns } from './parse-contact.ts';
import { organisationColumns } from './parse-organisation.ts';

export type Failed = { readonly errors: FieldErrors; readonly status?: number };

export function importForm(runs: readonly OwnRun[], typed: Form, failed?: Failed): Reply {
  return view(
    'organisations/import.njk',
    {
      form: formModel(importFields, typed, failed?.errors ?? {}),
      runs: runs.map(({ id, name, kind, state, changeId }) => ({
        id,
        name,
        kindLabel: kindLabels[kind],
        state,
        isProposed: state === 'checked' && changeId !== null,
      })),
      fileBytesMax: FILE_BYTES_MAX,
      tooLarge,
      organisationColumns,
      contactColumns,
    },
    failed === undefined ? {} : { status: failed.status ?? 422 },
  );
}

/** Absent, expired and somebody else's look alike; the way on is the same. */
export function refusedRunPage(why: Refused): Reply {
  if (why.kind !== 'not_found') return refusedPage(why);
  return importForm([], {}, { errors: { file: why.message }, status: 404 });
}
