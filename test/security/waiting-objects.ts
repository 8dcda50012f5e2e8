/**
 * What waits for a second person, and what can be taken back: recoveries, roles that were asked
 * for, merges, a schedule and the last import.
 */
import assert from 'node:assert/strict';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { proposeModel } from '#adoption/index.ts';
import { importContacts } from '#organisations/index.ts';
import { must, type Centre } from '../support/centre.ts';
import type { Named, Which } from './named.ts';
import { sha256 } from './sessions.ts';

/** Of the centre: `own` of Amara Osei or the region RB, `other` of Olga Other or RA. */
export async function makeWaiting(centre: Centre): Promise<Named[]> {
  const people = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ which: Which; id: string }>(sql`
      select case name when 'Amara Osei' then 'own' else 'other' end as which, id
      from identity.person where name in ('Amara Osei', 'Olga Other')`),
  );
  const asked = await proposeRules(centre);
  for (const { which, id } of people) asked.push(...(await askFor(centre, which, id)));
  const merges = await mergeTwins(centre);
  const page = centre.visit(centre.officer);
  await page.get('/organisations/mend/schedule');
  await page.submit('/organisations/mend/schedule');
  const ofCentre = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<Named>(sql`
      select 'schedule' as kind, 'own' as which, id from organisations.proof_schedule
      union all (select 'import', 'own', id from organisations.import order by id desc limit 1)`),
  );
  return [...asked, ...merges, ...ofCentre];
}

/** Rules that are in force, the same that wait under another name, and an approval of an alert. */
async function proposeRules({ db, model, officer }: Centre): Promise<Named[]> {
  const adopted = model.version;
  const yaml = model.source.replace('model: Health and care', 'model: Another');
  const reason = 'Another name';
  const proposal = { id: newId(), yaml, fileName: 'new.yaml', reason, now: new Date() };
  const id = must(await db.web.attempt(officer, (tx) => proposeModel(tx, model, proposal)));
  return await db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`
      with proposed as (
        insert into operating_model.proposal (id, sha256, yaml, base, reason, proposed_by,
          proposed_by_name, proposed_at, approval_id, state, decided_by, decided_by_name,
          decided_at)
        values (${newId()}, ${adopted}, ${model.source}, ${adopted}, 'why', 'a', 'A', now(),
          ${newId()}, 'adopted', 'b', 'B', now()) returning id)
      insert into operating_model.adoption (sha256, proposal_id)
      select ${adopted}, id from proposed`);
    const waits = await tx.one<{ id: string }>(sql`
      select id from identity.approval where state = 'requested' and permission = 'alert.approve'
      limit 1`);
    return [
      { kind: 'proposal', which: 'own', id },
      { kind: 'rules', which: 'own', id: adopted },
      { kind: 'rules_number', which: 'own', id: '1' },
      { kind: 'approval', which: 'other', id: waits.id },
    ];
  });
}

/** A recovery and a role of this person, each asked for by the approver, who is no visitor. */
async function askFor({ db, approver }: Centre, which: Which, personId: string): Promise<Named[]> {
  const [linkId, requestId] = [newId(), newId()];
  await db.owner.withActor(system('test'), async (tx) => {
    const askApproval = async (kind: string, id: string): Promise<string> => {
      const approvalId = newId();
      await tx.run(sql`insert into identity.approval (id, hash, subject_kind, subject_id,
          permission, requested_by, requested_at, expires_at, shaped_by)
        values (${approvalId}, ${'a'.repeat(64)}, ${kind}, ${id}, 'person.manage', ${approver.id},
          now(), now() + interval '1 day', ${[approver.id]})`);
      return approvalId;
    };
    await tx.run(sql`insert into identity.sign_in_link (id, token_sha256, person_id, created_at,
        created_by, expires_at, recovers, approval_id)
      values (${linkId}, ${sha256(linkId)}, ${personId}, now(), ${approver.id},
        now() + interval '1 day', true, ${await askApproval('recovery', linkId)})`);
    await tx.run(sql`insert into identity.role_request (id, person_id, role, asked_by, asked_at,
        expires_at, approval_id)
      values (${requestId}, ${personId}, 'administrator', ${approver.id}, now(),
        now() + interval '1 day', ${await askApproval('role_request', requestId)})`);
  });
  return [
    { kind: 'recovery', which, id: linkId },
    { kind: 'role_request', which, id: requestId },
  ];
}

/** Two contacts at Lonely and two at Southmere, each pair found to be one. */
async function mergeTwins(centre: Centre): Promise<Named[]> {
  const rows = ['ZZ-0005', 'ZZ-0002'].flatMap((code, i) =>
    ['Una Twin', 'U. Twin'].map((name, j) => {
      const mobile = `07700 9002${5 + i}${j}`;
      return `${code},${name},person,ciso,${8 + j},${mobile},\n`;
    }),
  );
  const csv = `organisation_code,name,kind,role,rank,mobile,email\n${rows.join('')}`;
  const file = { name: 'twins.csv', bytes: new TextEncoder().encode(csv) };
  const { model, product, db } = centre;
  const options = { rules: model, secrets: product.seals.directory, startedAt: new Date() };
  const imported = await db.owner.withActor(system('test'), async (tx) =>
    must(await importContacts(tx, file, options)),
  );
  assert.deepEqual(imported.refusedRows, []);
  const twins = await db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ which: Which; keep: string; other: string }>(sql`
      select case code when 'ZZ-0005' then 'own' else 'other' end as which, keep.id as keep,
        other.id as other
      from organisations.organisation
      join organisations.contact keep on keep.organisation_id = organisation.id
        and keep.name = 'Una Twin'
      join organisations.contact other on other.organisation_id = organisation.id
        and other.name = 'U. Twin'`),
  );
  assert.equal(twins.length, 2);
  const page = centre.visit(centre.officer);
  for (const { keep, other } of twins) {
    await page.get(`/organisations/duplicates/merge?keep=${keep}&other=${other}`);
    await page.submit('/organisations/duplicates/merge');
  }
  return await db.owner.withActor(system('test'), (tx) =>
    tx.rows<Named>(sql`
      select 'merge' as kind, merge.id,
        case code when 'ZZ-0005' then 'own' else 'other' end as which
      from organisations.merge
      join organisations.contact on contact.id = merge.kept_id
      join organisations.organisation on organisation.id = contact.organisation_id`),
  );
}
