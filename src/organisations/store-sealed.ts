import type { SealedColumn } from '#db/sealed-column.ts';

const ofRun = (column: string, word: string): SealedColumn => ({
  table: 'organisations.import_run',
  column,
  purpose: 'personal',
  key: { id: 'uuid' },
  context: [word, 'id'],
  // A whole file.
  rowsAtOnce: 1,
});

/** What this slice keeps sealed. */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'organisations.contact_point',
    column: 'address_sealed',
    purpose: 'personal',
    key: { id: 'uuid' },
    context: ['contact_point', 'id'],
  },
  ofRun('name_sealed', 'import_name'),
  ofRun('file_sealed', 'import_file'),
  ofRun('header_sealed', 'import_header'),
  {
    table: 'organisations.import_row',
    column: 'cells_sealed',
    purpose: 'personal',
    key: { run_id: 'uuid', outcome: 'text', line: 'integer' },
    context: ['import_row', 'run_id', 'line'],
  },
];
