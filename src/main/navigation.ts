/** The parts of the product, in the order of the menu, and who is shown each. */
import type { NavigationItem } from '#web/index.ts';

export const navigation: readonly NavigationItem[] = [
  { href: '/', text: 'Duty desk', permission: 'alert.read' },
  { href: '/alerts', text: 'Alerts', permission: 'alert.read' },
  {
    href: '/organisations',
    text: 'Directory',
    also: ['/audiences', '/suppliers', '/tags'],
    permission: 'directory.read',
  },
  { href: '/our-contacts', text: 'Our contacts', permission: 'directory.own' },
  { href: '/colleagues', text: 'Colleagues', permission: 'directory.own' },
  {
    href: '/gateways',
    text: 'Gateways',
    also: ['/single-messages'],
    permission: 'system.read',
  },
  { href: '/operating-model', text: 'Rules', permission: 'model.read' },
  { href: '/spaces', text: 'Spaces', permission: 'space.lead' },
  { href: '/people', text: 'People', also: ['/spaces'], permission: 'person.manage' },
  { href: '/audit', text: 'Audit', permission: 'audit.read' },
];
