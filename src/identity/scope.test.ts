/** For what a role is given: one thing, said as the rules want it, and nothing where they change. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { must, openCentre, type Centre, type Person } from '../../test/support/centre.ts';
import type { PageClient } from '../../test/support/page-client.ts';
import { makeSpace } from '../../test/support/spaces.ts';
import { giveRole, ofOrganisation, ofSpace, permissionsIn } from './index.ts';
import { rightsThrough } from './model.ts';
import type { Scope } from './scope.ts';
import { selectHoldsNow } from './store-approval-proof.ts';
import { countConfirmers, selectHadConfirmer } from './store-second-person.ts';

let centre: Centre;
let page: PageClient;
let person: Person;
let space: string;
let organisation: { readonly id: string; readonly code: string };

before(async () => {
  centre = await openCentre();
  page = centre.visit(await centre.invite('Ines Falk', ['administrator']));
  person = await centre.invite('Petra Placed', []);
  space = await makeSpace(centre, 'Gateways');
  [organisation] = (await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows(sql`select id, code from organisations.organisation order by code limit 1`),
  )) as [typeof organisation];
});
after(() => centre.close());

describe('on the page of a person', () => {
  const refuses = async (typed: Record<string, string>, why: RegExp) => {
    const form = new URLSearchParams({ timed: 'yes', ...typed });
    const { status, body } = await page.request('POST', `/people/${person.id}/roles`, { form });
    assert.equal(status, 422, JSON.stringify(typed));
    assert.match(body, why);
  };

  test('a role is given for one thing: what is said beside is refused', async () => {
    const { code } = organisation;
    const two = { role: 'organisation_administrator', organisation: code };
    const only = /Choose no (space|region): this role is for one organisation/;
    await refuses({ ...two, space }, only);
    await refuses({ ...two, region: 'RA' }, only);
    const lead = /Enter no organisation: this role is for one space/;
    await refuses({ role: 'space_lead', space, region: 'RA', organisation: code }, lead);
    const all = /no (space|region|organisation): this role is for the whole centre/;
    for (const beside of [{ space }, { region: 'RA' }, { organisation: code }])
      await refuses({ role: 'approver', ...beside }, all);
    assert.equal(await countGrants(), 0);
  });

  test('what there is none of is refused, and never the whole centre instead', async () => {
    for (const role of ['approver', 'space_lead', 'organisation_administrator']) {
      await refuses({ role, organisation: 'NONE' }, /Enter the code of an organisation/);
      await refuses({ role, region: 'NONE' }, /Choose a region/);
      for (const gone of ['x', newId()])
        await refuses({ role, space: gone }, /Choose a space that is open|Choose no space/);
    }
    assert.equal(await countGrants(), 0);
  });

  async function countGrants(): Promise<number> {
    const rows = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows(sql`select id from identity.role_grant where person_id = ${person.id}`),
    );
    return rows.length;
  }
});

describe('where the rules give a role for something else meanwhile', () => {
  test('it allows nothing, and nobody leads or belongs by it', () => {
    const { model } = centre;
    const held = { role: 'space_lead', ...ofSpace(newId()) };
    assert.deepEqual([...permissionsIn(model, [held]).permissions], ['space.lead']);
    const roles = { ...model.roles, space_lead: { label: 'All', may: ['alert.approve'] as const } };
    const proof = { isLive: false, passkeyAt: null, onlyFor: null };
    const rights = rightsThrough({ ...model, roles }, [held], proof, new Date());
    assert.deepEqual([[...rights.permissions], rights.spaceIds], [[], []]);
  });

  test('nobody is the second of two by it, nor stands for what was approved', async () => {
    const keeper = await centre.invite('Karin Keeps', []);
    const give = async (role: string, scope: Scope) => {
      const held = { personId: keeper.id, role, ...scope };
      const by = { model: centre.model, now: new Date() };
      await centre.db.web.withActor(system('test'), async (tx) =>
        must(await giveRole(tx, held, by)),
      );
    };
    await give('organisation_administrator', ofOrganisation(organisation.id));
    await give('space_lead', ofSpace(space));
    const isMore = await centre.db.owner.withActor(system('test'), async (tx) => {
      await tx.run(sql`insert into identity.passkey (id, person_id, credential_id, public_key,
          counter, transports, is_synced_kind, is_backed_up, domain, name, vouched_by, created_at)
        values (${newId()}, ${keeper.id}, ${Buffer.of(1)}, ${Buffer.of(1)}, 0, '{}', false, false,
          'localhost', 'Key', '{}', now())`);
      const roles = ['organisation_administrator', 'space_lead'];
      const others = { exceptIds: [], roles };
      return [
        await selectHoldsNow(tx, { personId: keeper.id, roles }),
        await countConfirmers(tx, others),
        await selectHadConfirmer(tx, others),
      ];
    });
    assert.deepEqual(isMore, [false, 0, false]);
  });
});
