/** Every column of sealed values: what an exchange of keys has to seal anew. */
import { dispatchSealedColumns } from '#dispatch/index.ts';
import { identitySealedColumns } from '#identity/index.ts';
import { organisationsSealedColumns } from '#organisations/index.ts';

export const sealedColumns = [
  ...dispatchSealedColumns,
  ...identitySealedColumns,
  ...organisationsSealedColumns,
] as const;
