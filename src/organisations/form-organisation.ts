/** Organisations and contacts in the words of the pages. Pure. */
import { londonDay } from '#kernel/day.ts';
import { dialled } from '#kernel/phone-number.ts';
import type { ContactDetail } from './contacts/store-contact-list.ts';
import type { Channel, ContactRules, DirectoryRules } from './model.ts';
import type { OrganisationRecord } from './store.ts';

/** `closed` and `opens` say what a reader must know before relying on it. */
export function organisationFacts<
  T extends Pick<OrganisationRecord, 'type' | 'closedOn'> &
    Partial<Pick<OrganisationRecord, 'telephone' | 'openedOn' | 'populationOn'>>,
>(organisation: T, rules: DirectoryRules, now: Date) {
  const today = londonDay(now);
  const { type, closedOn, openedOn, telephone } = organisation;
  return {
    ...organisation,
    typeLabel: rules.organisationTypes[type]?.label ?? type,
    closedOn: dayOf(closedOn),
    isClosed: closedOn !== null && closedOn < today,
    openedOn: dayOf(openedOn),
    populationOn: dayOf(organisation.populationOn),
    isYetToOpen: typeof openedOn === 'string' && openedOn > today,
    telephoneLink: telephone ? telephoneLink(telephone) : null,
  };
}

function dayOf(day: string | null | undefined): Date | null {
  return day ? new Date(`${day}T12:00:00Z`) : null;
}

export function telephoneLink(telephone: string): string {
  return `tel:${dialled(telephone)}`;
}

export type PointShown = {
  readonly contactPointId: string;
  readonly shown: string;
  /** Others of this organisation who have it, the first of them. */
  readonly sharedWith: readonly string[];
  readonly sharedWithMore: number;
  /** When somebody last gave back the code that went there. */
  readonly provenAt: Date | null;
  readonly askedAt: Date | null;
  /** Alerts go to it. */
  readonly inUse: boolean;
  readonly isStopped: boolean;
  /** Other organisations that have it: one text, credited to each. */
  readonly alsoAt: readonly { readonly id: string; readonly name: string }[];
  readonly alsoAtMore: number;
};

/** A contact with its numbers and addresses by channel, masked, and who else has them. */
export function contactCard(
  contact: ContactDetail,
  { rules, ownDomains }: { rules: ContactRules; ownDomains: ReadonlySet<string> },
) {
  const pointsOf = (channel: Channel): PointShown[] =>
    contact.points
      .filter((point) => point.channel === channel)
      .map((point) => ({
        contactPointId: point.contactPointId,
        shown: point.shown,
        provenAt: point.provenAt === null ? null : new Date(point.provenAt),
        askedAt: point.askedAt === null ? null : new Date(point.askedAt),
        inUse: point.inUse,
        isStopped: point.isStopped,
        sharedWith: point.sharedWith,
        sharedWithMore: point.sharedWithCount - point.sharedWith.length,
        alsoAt: point.alsoAt,
        alsoAtMore: point.sharedBy - 1 - point.alsoAt.length,
      }));
  return {
    ...contact,
    roleLabel: rules.contactRoles[contact.role]?.label ?? contact.role,
    readerLabel: rules.readerKinds[contact.readerKind]?.label ?? contact.readerKind,
    isChased: rules.readerKinds[contact.readerKind]?.chased ?? true,
    texts: pointsOf('text'),
    mails: pointsOf('mail'),
    landlines: pointsOf('landline'),
    isOffNetwork: isOffNetwork(contact, ownDomains),
  };
}

/**
 * True where an alert reaches them while the organisation's own network is down: a mobile, or a
 * address of another domain that alerts go to.
 */
export function isOffNetwork(
  { points }: Pick<ContactDetail, 'points'>,
  ownDomains: ReadonlySet<string>,
): boolean {
  const used = points.find(({ channel, inUse }) => channel === 'mail' && inUse);
  return (
    points.some(({ channel }) => channel === 'text') ||
    (used !== undefined && !ownDomains.has(used.domain ?? ''))
  );
}
