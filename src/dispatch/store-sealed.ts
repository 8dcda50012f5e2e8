import type { SealedColumn } from '#db/sealed-column.ts';

/** What this slice keeps sealed. */
export const sealedColumns: readonly SealedColumn[] = [
  {
    table: 'dispatch.gateway',
    column: 'settings_sealed',
    purpose: 'credential',
    key: { id: 'text' },
    context: ['gateway', 'id'],
  },
  {
    table: 'dispatch.message',
    column: 'address_sealed',
    purpose: 'personal',
    key: { id: 'uuid' },
    // A copy of the directory's bytes.
    context: ['contact_point', 'contact_point_id'],
  },
  {
    table: 'dispatch.reply_inbox',
    column: 'address_sealed',
    purpose: 'personal',
    key: { id: 'uuid' },
    context: ['reply_number', 'id'],
  },
  {
    table: 'dispatch.reply_inbox',
    column: 'content_sealed',
    purpose: 'personal',
    key: { id: 'uuid' },
    context: ['reply_content', 'id'],
  },
];
