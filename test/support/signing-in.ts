/** The rules of signing in for tests that write an operating model of their own. */
import type { OperatingModel, SigningIn } from '#operating-model/index.ts';

export const signingIn: SigningIn = {
  passkeyFor: ['alert.write', 'alert.approve', 'person.manage', 'space.lead'],
  passkeyAgainAfterMs: 5 * 60_000,
  firstPasskeyWithinMs: 30 * 60_000,
  sessionEndsIdleMs: 60 * 60_000,
  sessionEndsMs: 12 * 3_600_000,
  linkHoldsForMs: 24 * 3_600_000,
  codesPerHour: { person: 3, network: 20, all: 600 },
  codeMail: {
    subject: '{sender}: your code',
    body: '{code} is your code. Questions: {help_line}.',
  },
  changedNotice: {
    subject: '{sender}: your account',
    body: '{what}, {when}. Not you? Ring {help_line}.',
    text: '{sender}: {what}, {when}. Not you? Ring {help_line}.',
  },
};

export const markingCeilings = {
  signedIn: 'RED',
  withoutPasskey: 'AMBER',
} satisfies Partial<OperatingModel['markingCeilings']>;
