/**
 * What stands in the parameters of a route: an object of the visitor's own, one of somebody else,
 * and one that there is not. A parameter without a line here fails the test of every route.
 */
import assert from 'node:assert/strict';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  deliverAll,
  draftAlert,
  messagesOf,
  numbers,
  releaseAlert,
  submitDraft,
  textFrom,
  type Centre,
} from '../support/centre.ts';
import { makeSpace } from '../support/spaces.ts';
import { makeMore } from './more-objects.ts';
import type { Named, Which } from './named.ts';

export type { Which } from './named.ts';

export type Objects = {
  /**
   * The path with its parameters, for whoever asks where it is one visitor's own; undefined where
   * there is nothing of that kind to name.
   */
  pathOf(path: string, which: Which, asker?: string): string | undefined;
  add(more: readonly Named[]): void;
};

const ABSENT = '01a00000-0000-7000-8000-000000000000';

/** Of which kind the object is, by where it stands; elsewhere only an absent one is tried. */
const places: readonly (readonly [RegExp, string])[] = [
  // Only for what waits, or went, with one person.
  [/^\/alerts\/:id\/(?:alone|review)$/, 'none'],
  [/^\/(?:api\/v1\/)?alerts\/:id/, 'alert'],
  [/^\/(?:api\/v1\/)?organisations\/:id/, 'organisation'],
  [/^\/(?:api\/v1\/)?(?:organisations\/)?contacts\/:id/, 'contact'],
  [/^\/(?:api\/v1\/)?desk(?:-items)?\/:id/, 'help'],
  [/^\/(?:organisations|your-details)\/absences\/:id/, 'absence'],
  [/^\/(?:api\/v1\/)?audiences\/:id/, 'audience'],
  [/^\/organisations\/successions\/:id/, 'succession'],
  [/^\/(?:api\/v1\/|organisations\/)imports\/:id/, 'import'],
  [/^\/api\/v1\/dispatches\/:id/, 'dispatch'],
  [/^\/people\/:id\/recovery\/:linkId/, 'recovery'],
  [/^\/people\/:id\/role-requests\/:requestId/, 'role_request'],
  [/^\/people\/:id/, 'person'],
  [/^\/organisations\/duplicates\/merges\/:id/, 'merge'],
  [/^\/organisations\/import\/:id/, 'run'],
  [/^\/organisations\/mend\/schedule\/:id/, 'schedule'],
  [/^\/api\/v1\/undo-runs\/:id/, 'undo_run'],
  [/^\/changes\/:id/, 'change'],
  [/^\/legal-holds\/:id/, 'legal_hold'],
  [/^\/keys\/:id/, 'api_key'],
  [/^\/(?:your-alerts\/)?:number/, 'number'],
  [/^\/approvals\/:id/, 'approval'],
  [/^\/operating-model\/proposals\/:id/, 'proposal'],
  [/^\/operating-model\/rules\/:sha256/, 'rules'],
  [/^\/operating-model\/versions\/:number/, 'rules_number'],
  [/\/:issuer\b/, 'issuer'],
  [/^\/suppliers\/:id/, 'supplier'],
  [/^\/products\/:id/, 'product'],
  [/^\/tags\/:id/, 'tag'],
  [/^\/(?:api\/v1\/)?gateways\/:id/, 'gateway'],
  [/^\/spaces\/:id/, 'space'],
  [/^\/colleagues\/:id/, 'colleague'],
  [/^\/colleagues\/invitations\/:id/, 'invitation'],
  [/^\/account\/sessions\/:id/, 'session'],
  [/^\/account\/passkeys\/:id/, 'passkey'],
  [/^\/account\/issuer-links\/:id/, 'issuer_link'],
  [/^\/account\/app\/:id/, 'app'],
];

export async function makeObjects(centre: Centre): Promise<Objects> {
  const own = <T>(statement: ReturnType<typeof sql>) =>
    centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));
  await draftAlert(centre);
  await submitDraft(centre, await draftAlert(centre));
  // Of the other region alone, and for nobody's eyes but theirs.
  const ofOthers = await releaseAlert(centre, { marking: 'AMBER' }, { regions: ['RA'] });
  const { alertId, dispatchId, number } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const sent = await messagesOf(centre, dispatchId);
  for (const number of [numbers.eastvale, numbers.northmoor]) {
    const code = sent.find((one) => one.number === number)?.code;
    await textFrom(centre, number, `${code} HELP`);
  }
  const ofDirectory = await own<Named>(sql`
    select 'organisation' as kind, id, case code when 'ZZ-0003' then 'own' else 'other' end as which
    from organisations.organisation where code in ('ZZ-0001', 'ZZ-0003')
    union all
    select 'contact', contact.id, case code when 'ZZ-0003' then 'own' else 'other' end
    from organisations.contact contact
    join organisations.organisation on organisation.id = contact.organisation_id
    where code in ('ZZ-0001', 'ZZ-0003') and contact.rank = 1
    union all
    select 'help', item.id, case code when 'ZZ-0003' then 'own' else 'other' end
    from responses.desk_item item
    join organisations.organisation on organisation.id = item.organisation_id
    where code in ('ZZ-0001', 'ZZ-0003')`);
  const named: Named[] = [
    ...ofDirectory,
    { kind: 'gateway', which: 'own', id: 'notify' },
    { kind: 'number', which: 'own', id: String(number) },
    { kind: 'number', which: 'other', id: String(ofOthers.number) },
    { kind: 'space', which: 'other', id: await makeSpace(centre, 'Of others') },
    ...(await makeMore(centre)),
  ];
  return {
    add: (more) => void named.push(...more),
    pathOf(path, which, asker) {
      const find = (kind: string, wanted: Which) =>
        named.find(
          ({ kind: its, which: whose, of = asker }) =>
            its === kind && whose === wanted && of === asker,
        )?.id;
      const idOf = (kind: string, wanted: Which) => find(kind, wanted) ?? ABSENT;
      if (!path.includes(':')) return which === 'own' ? path : undefined;
      const kind = places.find(([pattern]) => pattern.test(path))?.[1] ?? 'none';
      // An alert is everybody's: only what has an owner is somebody else's.
      const isOwned = kind !== 'alert' || path.includes(':organisationId');
      const isThere =
        kind === 'alert' ? isOwned || which === 'own' : find(kind, which) !== undefined;
      if (which !== 'absent' && !isThere) return undefined;
      const isOfPerson = /:(?:linkId|requestId)/.test(path);
      // What waits for another person is asked for at the page of this one.
      const id = isOfPerson ? idOf('person', 'own') : idOf(kind, which);
      return (
        path
          .replace(':useId', idOf('use', which))
          .replace(':tagId', idOf('tag', which))
          .replace(':linkId', idOf('recovery', which))
          .replace(':requestId', idOf('role_request', which))
          .replace(':organisationId', idOf('organisation', which === 'absent' ? 'own' : which))
          .replace(':id', kind === 'alert' && which !== 'absent' ? alertId : id)
          // The first version of an audience that there is.
          .replace(':number', which === 'own' && kind === 'audience' ? '1' : ':number')
          .replace(/:(?:number|sha256|issuer)\b/, (name) => find(kind, which) ?? name)
          .replaceAll(/:(\w+)/g, (_, name: string) => absentOf(name))
      );
    },
  };
}

/** A value that names nothing, by the name of the parameter. */
const absentValues: Readonly<Record<string, string>> = {
  number: '99999',
  version: '1',
  gateway: 'none',
  issuer: 'none',
  token: 'x'.repeat(43),
  sha256: 'f'.repeat(64),
  point: ABSENT,
  key: 'x'.repeat(22),
  linkId: ABSENT,
  requestId: ABSENT,
  personId: ABSENT,
  // Any day is there.
  day: '2026-04-01',
};

/** Of a parameter that is no id of an object that was made. */
export function absentOf(name: string): string {
  const value = absentValues[name];
  assert.ok(value !== undefined, `no value for the parameter :${name}: add it to objects.ts`);
  return value;
}
