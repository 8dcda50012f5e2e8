import type { SealedColumn } from '#db/sealed-column.ts';

/** What this slice keeps sealed. */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'identity.issuer',
    column: 'settings_sealed',
    purpose: 'credential',
    key: { id: 'text' },
    context: ['issuer', 'id'],
  },
  {
    table: 'identity.authenticator_app',
    column: 'secret_sealed',
    purpose: 'credential',
    key: { id: 'uuid' },
    context: ['authenticator_app', 'id'],
  },
  {
    table: 'identity.person',
    column: 'phone_sealed',
    purpose: 'personal',
    key: { id: 'uuid' },
    // Under the same word as the directory's: a message to either is opened in one way.
    context: ['contact_point', 'id'],
  },
];
