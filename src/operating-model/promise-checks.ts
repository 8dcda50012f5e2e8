/** Who is woken for what the centre owes: names that mean something, and times in order. */
import { formatDuration } from './durations.ts';
import { stepAfterMs, type ModelFile, type StepOfFile } from './file-schema.ts';
import { error, warning, type Remark } from './findings.ts';
import { OWNER } from './model.ts';
import { notKnown } from './nearest.ts';

/** What whoever is woken for a promise has to be allowed, so that they can keep it. */
const KEEPING = {
  approval: ['alert.approve', 'may not approve'],
  next_update: ['alert.read', 'may not read alerts'],
  call_back: ['alert.read', 'may not read alerts'],
  review: ['alert.approve', 'may not approve'],
} as const;

/** Names that mean nothing would wake nobody. */
export function checkPromises({ promises, severities, roles }: ModelFile): Remark[] {
  const { approval } = promises;
  const remarks = approval.severities
    .filter((id) => !Object.hasOwn(severities, id))
    .map((id) =>
      error(['promises', 'approval', 'severities'], notKnown(id, Object.keys(severities))),
    );
  if (Object.hasOwn(roles, OWNER))
    remarks.push(error(['roles', OWNER], '‘owner’ means whoever has a promise in hand'));
  const first = approval.steps[0] && stepAfterMs(approval.steps[0]);
  if (first !== undefined && first < -approval.within) {
    const why = `is before its submission: ‘within’ is ${formatDuration(approval.within)}`;
    remarks.push(error(['promises', 'approval', 'steps', 0], why));
  }
  const kinds = Object.keys(KEEPING) as (keyof typeof KEEPING)[];
  return [...remarks, ...kinds.flatMap((kind) => checkSteps(kind, promises[kind].steps, roles))];
}

/** Who of a region is told of those that are silent has to be of a region, and able to look. */
export function checkRegionsTold({ severities, roles }: ModelFile): Remark[] {
  return Object.entries(severities).flatMap(([id, { tell_region: told, acknowledge_within }]) => {
    if (told === undefined) return [];
    const at = ['severities', id, 'tell_region'];
    const wrong = told.wake.flatMap((name) => {
      const role = Object.hasOwn(roles, name) ? roles[name] : undefined;
      if (role === undefined) return notKnown(name, rolesOf(roles, 'region'));
      if (role.given_for !== 'region') return `‘${name}’ is not given for regions`;
      return role.may.includes('alert.read') ? [] : `‘${name}’ may not read alerts`;
    });
    const remarks = wrong.map((what) => error([...at, 'wake'], what));
    if (told.after < acknowledge_within) return remarks;
    const due = formatDuration(acknowledge_within);
    const why = `is after the answers are due (${due}): the region learns of it too late to help`;
    return [...remarks, warning([...at, 'after'], why)];
  });
}

function rolesOf(roles: ModelFile['roles'], given: 'region' | undefined): string[] {
  return Object.keys(roles).filter((id) => roles[id]!.given_for === given);
}

/** Whom a step of this promise may name. */
function mayKeep(kind: keyof typeof KEEPING, roles: ModelFile['roles']): string[] {
  const [permission] = KEEPING[kind];
  const able = rolesOf(roles, undefined).filter((id) => roles[id]!.may.includes(permission));
  return kind === 'approval' || kind === 'review' ? able : [OWNER, ...able];
}

function checkSteps(
  kind: keyof typeof KEEPING,
  steps: readonly StepOfFile[],
  roles: ModelFile['roles'],
): Remark[] {
  const [permission, why] = KEEPING[kind];
  return steps.flatMap((step, i) => {
    const at = ['promises', kind, 'steps', i];
    const wrong = step.wake
      .filter((id) => kind === 'approval' || kind === 'review' || id !== OWNER)
      .flatMap((id) => {
        const role = Object.hasOwn(roles, id) ? roles[id] : undefined;
        if (role === undefined) return notKnown(id, mayKeep(kind, roles));
        if (!role.may.includes(permission)) return `‘${id}’ ${why}`;
        return role.given_for === undefined ? [] : `‘${id}’ is given for regions`;
      })
      .map((what) => error([...at, 'wake'], what));
    const before = steps[i - 1];
    return before !== undefined && stepAfterMs(step) <= stepAfterMs(before)
      ? [...wrong, error(at, 'must be later than the step before')]
      : wrong;
  });
}
