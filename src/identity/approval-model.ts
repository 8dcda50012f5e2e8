/** The life of a request for approval (P5). The database guards the same moves by a trigger. */
import type { Permission } from '#kernel/actor.ts';
import { refused, type Refused } from '#kernel/outcome.ts';

/** Whoever runs the server asked for it: nobody's hand is in it but theirs. */
export const SERVER = '00000000-0000-0000-0000-000000000000';

/** requested → approved → consumed; anything open may be returned or voided; ends stay ends. */
export const approvalMoves = {
  /** Somebody waits for a second person. */
  requested: ['approved', 'returned', 'voided', 'alone'],
  /** A second person said yes to exactly this hash; nothing was released yet. */
  approved: ['consumed', 'returned', 'voided'],
  /** Sent back with a reason, to be shaped anew. */
  returned: [],
  /** Overtaken: what it was about was changed or withdrawn. */
  voided: [],
  /** Used for its one release. */
  consumed: [],
  /** Let go by one person: a text and an audience that two people had approved as a rule. */
  alone: [],
} as const satisfies Record<string, readonly string[]>;

export type ApprovalState = keyof typeof approvalMoves;

/** The states from which `to` can be reached: the guard of every update. */
export function statesBefore(to: ApprovalState): ApprovalState[] {
  const all = Object.entries(approvalMoves) as [ApprovalState, readonly ApprovalState[]][];
  return all.filter(([, next]) => next.includes(to)).map(([from]) => from);
}

export type ApprovalRequest = {
  readonly id: string;
  /** SHA-256 in hex of exactly what was shown: texts, audience, sender, times. */
  readonly hash: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly permission: Permission;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly shapedBy: readonly string[];
  readonly state: ApprovalState;
  readonly approvedBy: string | null;
  readonly approvedAt: Date | null;
  readonly endedBy: string | null;
  readonly endedAt: Date | null;
  readonly endReason: string | null;
  readonly consumedAt: Date | null;
  readonly letGoBy: string | null;
  readonly letGoAt: Date | null;
};

/** True where this person had a hand in it and so cannot be the second one. */
export function shaped(
  request: Pick<ApprovalRequest, 'requestedBy' | 'shapedBy'>,
  personId: string,
): boolean {
  return request.requestedBy === personId || request.shapedBy.includes(personId);
}

type Attempt = { readonly hash: string; readonly now: Date };

/** Why an approval, or its use, did not succeed; in the order in which a person should learn it. */
export function refusalOf(
  request: ApprovalRequest | undefined,
  attempt: Attempt & {
    readonly to: ApprovalState;
    readonly personId?: string;
    /** Somebody who shaped it let this person in, or gave them a right. */
    readonly isBeholden?: boolean;
  },
): Refused {
  if (request === undefined) return refused('not_found', 'There is no such request.');
  if (attempt.personId !== undefined && shaped(request, attempt.personId)) {
    return refused('forbidden', 'You shaped a part of this, so somebody else has to approve it.');
  }
  if (attempt.isBeholden === true) {
    return refused(
      'forbidden',
      'Whoever let you in, or gave you this right, had a hand in it. Somebody else has to approve.',
    );
  }
  if (request.hash !== attempt.hash) {
    return refused('conflict', 'It was changed after you opened it. Look at it again.');
  }
  if (!(approvalMoves[request.state] as readonly string[]).includes(attempt.to)) {
    return refused('conflict', stateWords[request.state]);
  }
  if (request.expiresAt <= attempt.now) {
    return refused('conflict', 'This request is too old. It has to be submitted again.');
  }
  return refused('conflict', 'Somebody was quicker. Load the page again.');
}

const stateWords = {
  requested: 'Nobody has approved this yet.',
  approved: 'Somebody has approved this already.',
  returned: 'This was sent back to be changed.',
  voided: 'This was changed or withdrawn; there is nothing to approve any more.',
  consumed: 'This was approved and released already.',
  alone: 'One person let this go already.',
} as const satisfies Record<ApprovalState, string>;
