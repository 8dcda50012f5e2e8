/** The rules of signing in: who needs a passkey, how long a session lasts, how many codes may go. */
import type { Permission } from '#kernel/actor.ts';

export type SigningIn = {
  /** Held only by whoever signed in with a passkey, in a live installation. */
  readonly passkeyFor: readonly Permission[];
  /** What is dangerous asks for the passkey again where it was last used longer ago. */
  readonly passkeyAgainAfterMs: number;
  /** A first passkey is made so soon after the link was used; later it takes another link. */
  readonly firstPasskeyWithinMs: number;
  /** A session ends after so long without a request. */
  readonly sessionEndsIdleMs: number;
  /** A session ends after so long whatever happens. */
  readonly sessionEndsMs: number;
  /** A sign-in link works for so long, once. */
  readonly linkHoldsForMs: number;
  /** Codes that go to one person and to all, and that one network may ask for. */
  readonly codesPerHour: {
    readonly person: number;
    readonly network: number;
    readonly all: number;
  };
  /** The mail with the code: blanks `sender`, `code`, `help_line`. */
  readonly codeMail: { readonly subject: string; readonly body: string };
  /**
   * To whoever's account can be opened in another way, by mail and by text: blanks `sender`,
   * `what`, `when`, `help_line`.
   */
  readonly changedNotice: {
    readonly subject: string;
    readonly body: string;
    readonly text: string;
  };
};
