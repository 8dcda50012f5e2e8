/** What is older than thirty days may be forgotten. */
export const KEPT_MS = 30 * 86_400_000;

/** What statements may be asked about: ids that are there, and some that are not. */
export type Known = {
  readonly dispatchIds: readonly string[];
  readonly messageIds: readonly string[];
  readonly organisationIds: readonly string[];
  readonly pointIds: readonly string[];
  readonly owners: readonly string[];
  readonly gatewayIds: readonly string[];
};
