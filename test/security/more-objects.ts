/**
 * Kinds of objects beside alerts, organisations, contacts and calls for help: one of Eastvale, one
 * of Northmoor; or one that belongs to the centre; or one that belongs to a person.
 */
import { system } from '#kernel/actor.ts';
import { createApiKey } from '#identity/index.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Centre } from '../support/centre.ts';
import type { Named, Which } from './named.ts';
import { openSession, sha256 } from './sessions.ts';
import { makeWaiting } from './waiting-objects.ts';

export async function makeMore(centre: Centre): Promise<Named[]> {
  return [
    ...(await makeOwned(centre)),
    ...(await makeOfCentre(centre)),
    ...(await makeOf(centre)),
    ...(await makeWaiting(centre)),
  ];
}

/** What is of an organisation. */
async function makeOwned(centre: Centre): Promise<Named[]> {
  return await centre.db.owner.withActor(system('test'), async (tx) => {
    const named: Named[] = [];
    const places = await tx.rows<{ which: Which; organisationId: string; contactId: string }>(sql`
      select case code when 'ZZ-0003' then 'own' else 'other' end as which,
        organisation.id as organisation_id, contact.id as contact_id
      from organisations.organisation
      join organisations.contact on contact.organisation_id = organisation.id and contact.rank = 1
      where code in ('ZZ-0001', 'ZZ-0003')`);
    const supplierId = newId();
    await tx.run(
      sql`insert into organisations.supplier (id, name) values (${supplierId}, 'Citrix')`,
    );
    named.push({ kind: 'supplier', which: 'own', id: supplierId });
    const productId = newId();
    await tx.run(sql`insert into organisations.product (id, supplier_id, name)
      values (${productId}, ${supplierId}, 'NetScaler')`);
    named.push({ kind: 'product', which: 'own', id: productId });
    for (const { which, organisationId, contactId } of places) {
      const [useId, tagId, absenceId] = [newId(), newId(), newId()];
      await tx.run(sql`insert into organisations.use (id, organisation_id, supplier_id, said_by,
          said_on, known_from, recorded_by, recorded_at)
        values (${useId}, ${organisationId}, ${supplierId}, 'a register', '2026-11-01',
          '2026-11-01', 'test', now())`);
      await tx.run(sql`insert into organisations.tag (id, name) values (${tagId}, ${which})`);
      await tx.run(sql`insert into organisations.organisation_tag (organisation_id, tag_id,
          tagged_by, tagged_at) values (${organisationId}, ${tagId}, 'test', now())`);
      await tx.run(sql`insert into organisations.absence (id, contact_id, starts_at, ends_at)
        values (${absenceId}, ${contactId}, now() + interval '1 day', now() + interval '2 days')`);
      named.push(
        { kind: 'use', which, id: useId },
        { kind: 'tag', which, id: tagId },
        { kind: 'absence', which, id: absenceId },
      );
    }
    return named;
  });
}

/** What everybody has who may see it at all. */
async function makeOfCentre(centre: Centre): Promise<Named[]> {
  const page = centre.visit(centre.officer);
  await page.get('/audiences/new');
  await page.submit('Save', { name: 'Trusts of the north' });
  await page.get('/organisations/successions/new');
  await page.submit('See what it would do', {
    predecessors: 'ZZ-0004',
    successors: 'ZZ-0005',
    onDate: '2027-04-01',
  });
  const administrator = centre.visit(await centre.invite('Petra Proposes', ['administrator']));
  // Seen by whoever may decide over any kind of change: these may cut off, and manage people too.
  const { id } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ id: string }>(sql`select id from organisations.organisation where code = 'ZZ-0004'`),
  );
  await administrator.get(`/organisations/${id}/cut-off`);
  await administrator.submit('Cut it off now', { reason: 'Their CISO rang' });
  await administrator.get(`/organisations/${id}/cut-off`);
  await administrator.submit('Propose to let it back', { reason: 'Rebuilt' });
  await centre.db.web.attempt(system('test'), (tx) =>
    createApiKey(tx, { name: 'Old', permissions: ['alert.read'], expiresAt: null }, new Date()),
  );
  await administrator.get('/legal-holds/new');
  const hold = { reason: 'Inquiry 12', reviewOn: '2099-01-01' };
  await administrator.submit('Put the legal hold', hold);
  return await centre.db.owner.withActor(system('test'), async (tx) =>
    tx.rows<Named>(sql`
      select 'audience' as kind, 'own' as which, id from organisations.audience
      union all select 'succession', 'own', id from organisations.succession
      union all select 'change', 'own', id from identity.proposed_change
      union all select 'legal_hold', 'own', id from kernel.legal_hold
      union all (select 'api_key', 'own', id from identity.api_key order by id limit 1)
      union all (select 'dispatch', 'own', id from dispatch.dispatch
        where id in (select dispatch_id from alerts.v_live) limit 1)
      union all (select 'person', 'own', id from identity.person order by created_at limit 1)`),
  );
}

/** What is of one person, who is none of the visitors: for all of them it is another’s. */
async function makeOf(centre: Centre): Promise<Named[]> {
  const { id: personId } = await centre.invite('Olga Other', []);
  const session = await openSession(centre, personId);
  // Nobody listens there: it is down, as issuers may be.
  const settings = { clientSecret: 'x', sendsSecretBy: 'basic' } as const;
  const [passkeyId, appId, invitationId, linkId] = [newId(), newId(), newId(), newId()];
  await centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`insert into identity.passkey (id, person_id, credential_id, public_key,
        counter, transports, is_synced_kind, is_backed_up, domain, name, vouched_by, created_at)
      values (${passkeyId}, ${personId}, ${sha256('c')}, ${sha256('k')}, 0, '{}', false, false,
        'localhost', 'Hers', '{}', now())`);
    await tx.run(sql`insert into identity.authenticator_app (id, person_id, session_id,
        secret_sealed, vouched_by, made_at)
      values (${appId}, ${personId}, ${session.id}, 'x', '{}', now())`);
    const northmoor = sql`(select id from organisations.organisation where code = 'ZZ-0001')`;
    await tx.run(sql`insert into identity.role_grant (id, person_id, role, organisation_id,
        given_at, given_by)
      values (${newId()}, ${personId}, 'organisation_administrator', ${northmoor}, now(), 'test')`);
    await tx.run(sql`insert into identity.invitation (id, token_sha256, name, email, role,
        organisation_id, invited_by, invited_at, expires_at)
      values (${invitationId}, ${sha256('t')}, 'Ivy', 'ivy@northmoor.test',
        'organisation_administrator', ${northmoor}, ${personId}, now(), now() + interval '1 day')`);
    await tx.run(sql`
      insert into identity.issuer (id, url, label, client_id, settings_sealed, origins, acr, amr,
        auth_age_max_ms, saved_at, saved_by)
      values ('vale', 'https://127.0.0.1:9', 'Vale', 'tocsin',
        ${centre.product.seals.issuers.sealSettings('vale', settings)}, '{}', '{}', '{}', 1000,
        now(), 'test')`);
    await tx.run(sql`insert into identity.issuer_link (id, issuer_id, subject, person_id, linked_at,
        vouched_by)
      values (${linkId}, 'vale', 'olga', ${personId}, now(), '{}')`);
  });
  return [
    { kind: 'colleague', which: 'other', id: personId },
    { kind: 'session', which: 'other', id: session.id },
    { kind: 'passkey', which: 'other', id: passkeyId },
    { kind: 'app', which: 'other', id: appId },
    { kind: 'invitation', which: 'other', id: invitationId },
    { kind: 'issuer_link', which: 'other', id: linkId },
    { kind: 'issuer', which: 'own', id: 'vale' },
  ];
}
