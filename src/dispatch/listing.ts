/** One text as the provider lists it. */
export type Listed = {
  readonly providerId: string;
  readonly reference: string | null;
  readonly status: string;
  readonly createdAt: Date;
};
