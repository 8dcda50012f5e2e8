/** Organisations and contacts in the words of the pages. Pure. */
import type { DirectoryRules } from './model.ts';
import type { ContactDetail, OrganisationDetail } from './store.ts';

/** `closed` and `opens` say what a reader must know before relying on it. */
export function organisationFacts<
  T extends Pick<OrganisationDetail, 'type' | 'closedOn'> &
    Partial<Pick<OrganisationDetail, 'telephone' | 'openedOn'>>,
>(organisation: T, rules: DirectoryRules, now: Date) {
  // Days are compared as PostgreSQL does (current_date), which runs in UTC.
  const today = now.toISOString().slice(0, 10);
  const { type, closedOn, openedOn, telephone } = organisation;
  return {
    ...organisation,
    typeLabel: rules.organisationTypes[type]?.label ?? type,
    closedOn: dayOf(closedOn),
    isClosed: closedOn !== null && closedOn < today,
    openedOn: dayOf(openedOn),
    isYetToOpen: typeof openedOn === 'string' && openedOn > today,
    telephoneLink: telephone ? telephoneLink(telephone) : null,
  };
}

function dayOf(day: string | null | undefined): Date | null {
  return day ? new Date(`${day}T12:00:00Z`) : null;
}

/** What a phone dials: digits, and a plus in front. "+44 (0)20" is not dialled with its nought. */
export function telephoneLink(telephone: string): string {
  const isInternational = telephone.trim().startsWith('+');
  const number = isInternational ? telephone.replace('(0)', '') : telephone;
  return `tel:${isInternational ? '+' : ''}${number.replaceAll(/\D/g, '')}`;
}

export type PointShown = {
  readonly shown: string;
  /** Whom a message to it reaches besides: "2 other organisations", names of this one. */
  readonly sharedWith: readonly string[];
};

/** A contact with its numbers and addresses by channel, masked, and who else has them. */
export function contactCard(
  contact: ContactDetail,
  all: readonly ContactDetail[],
  rules: DirectoryRules,
) {
  const shared = ({ contactPointId, sharedBy }: ContactDetail['points'][number]): string[] => {
    const others = all
      .filter(({ id, active }) => active && id !== contact.id)
      .filter(({ points }) => points.some((point) => point.contactPointId === contactPointId))
      .map(({ name }) => name);
    const elsewhere = sharedBy - 1;
    if (elsewhere < 1) return others;
    return [
      ...others,
      elsewhere === 1 ? '1 other organisation' : `${elsewhere} other organisations`,
    ];
  };
  const pointsOf = (channel: 'text' | 'mail'): PointShown[] =>
    contact.points
      .filter((point) => point.channel === channel)
      .map((point) => ({ shown: point.shown, sharedWith: shared(point) }));
  return {
    ...contact,
    roleLabel: rules.contactRoles[contact.role]?.label ?? contact.role,
    texts: pointsOf('text'),
    mails: pointsOf('mail'),
  };
}
