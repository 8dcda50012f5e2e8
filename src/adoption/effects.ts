/**
 * What other rules would break, beyond what the file itself can show: people who would lose their
 * rights, names that the directory uses, channels that nothing leaves by. Pure.
 */
import type { Permission } from '#kernel/actor.ts';
import { kindOfHeld, permissionsIn, ROLE_IS_FOR, scopeOfRole, type Held } from '#identity/index.ts';
import type { OperatingModel } from '#operating-model/index.ts';

export type Effect = { readonly level: 'error' | 'warning'; readonly says: string };

export type Surroundings = {
  /** Everybody who is not locked out, and the roles they hold. */
  readonly people: readonly { readonly id: string; readonly held: readonly Held[] }[];
  /** Names of the model that the directory uses, and how often. */
  readonly names: readonly {
    readonly kind: 'organisation_type' | 'contact_role' | 'reader_kind';
    readonly id: string;
    readonly count: number;
  }[];
  /** Channels that a gateway which is switched on takes. */
  readonly channels: readonly string[];
};

type Change = { readonly before: OperatingModel; readonly after: OperatingModel };

export function effectsOf(change: Change, surroundings: Surroundings): Effect[] {
  return [
    ...lostRights(change, surroundings),
    ...goneRoles(change, surroundings),
    ...goneNames(change, surroundings),
    ...deafChannels(change.after, surroundings),
  ];
}

/** Without these the centre cannot work, or could never change its rules again. */
const NEEDED: readonly (readonly [Permission, string])[] = [
  ['alert.write', 'write an alert'],
  ['alert.approve', 'approve an alert'],
  ['person.manage', 'invite people and give roles'],
];

function lostRights({ before, after }: Change, { people }: Surroundings): Effect[] {
  const holders = (model: OperatingModel, permission: Permission) =>
    people.filter(({ held }) => permissionsIn(model, held).permissions.has(permission));
  const effects: Effect[] = NEEDED.filter(
    ([permission]) =>
      holders(before, permission).length > 0 && holders(after, permission).length === 0,
  ).map(([, what]) => ({ level: 'error', says: `Nobody could ${what} any more. ${TWO_STEPS}` }));
  const canChange = (model: OperatingModel) =>
    holders(model, 'model.write').some(({ id }) =>
      holders(model, 'model.approve').some((other) => other.id !== id),
    );
  if (canChange(before) && !canChange(after)) {
    const says = `No two people could change these rules again: one who proposes, another who approves. ${TWO_STEPS}`;
    effects.push({ level: 'error', says });
  }
  return effects;
}

const TWO_STEPS =
  'Keep the old role beside the new one, give people the new one, then take the old one away.';

/** Roles that go, and those that are for something else: who was given one holds it for nothing. */
function goneRoles({ before, after }: Change, { people }: Surroundings): Effect[] {
  return Object.entries(before.roles).flatMap(([id, { label }]): Effect[] => {
    const kind = scopeOfRole(before, id);
    const isGone = !Object.hasOwn(after.roles, id);
    if (!isGone && scopeOfRole(after, id) === kind) return [];
    const count = people.filter(({ held }) =>
      held.some((one) => one.role === id && kindOfHeld(one) === kind),
    ).length;
    if (count === 0) return [];
    const what = isGone ? 'is gone' : `is for ${ROLE_IS_FOR[scopeOfRole(after, id)]} from then on`;
    const who = count === 1 ? 'one person holds it and loses' : `${count} people hold it and lose`;
    return [{ level: 'warning', says: `The role ${label} ${what}: ${who} what it allowed.` }];
  });
}

function goneNames({ before, after }: Change, { names }: Surroundings): Effect[] {
  const kinds = {
    organisation_type: ['organisationTypes', 'organisations are of the type'],
    contact_role: ['contactRoles', 'contacts have the role'],
    reader_kind: ['readerKinds', 'contacts read as'],
  } as const;
  return names.flatMap(({ kind, id, count }): Effect[] => {
    const [part, words] = kinds[kind];
    if (Object.hasOwn(after[part], id)) return [];
    const label = before[part][id]?.label ?? id;
    const says = `${count} ${words} ‘${label}’ (${id}), which is gone. Keep it until the directory has another.`;
    return [{ level: 'error', says }];
  });
}

function deafChannels({ severities }: OperatingModel, { channels }: Surroundings): Effect[] {
  const used = [...new Set(severities.flatMap((severity) => severity.channels))];
  return used
    .filter((channel) => !channels.includes(channel))
    .map((channel) => {
      const named = severities.filter((one) => one.channels.includes(channel));
      const labels = named.map(({ label }) => label).join(', ');
      return {
        level: 'warning',
        says: `By ${channel} nothing would leave: no gateway takes it. It is a channel of ${labels}.`,
      };
    });
}
