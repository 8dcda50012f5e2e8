/** Living sessions of people and of contacts, as rows that the product itself reads. */
import { createHash, randomBytes } from 'node:crypto';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Centre } from '../support/centre.ts';

/** The id of the session and its token, for the cookie. */
export async function openSession(
  centre: Centre,
  personId: string,
): Promise<{ readonly id: string; readonly token: string }> {
  const [id, token] = [newId(), randomBytes(32).toString('base64url')];
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      insert into identity.session (id, token_sha256, person_id, device, place, begun_by,
        vouched_by, created_at, last_seen_at)
      values (${id}, ${sha256(token)}, ${personId}, 'Test', 'here', 'link', '{}', now(), now())`),
  );
  return { id, token };
}

/** The token of a code session of one of the active contacts, in turn; of this one where told. */
export async function openContactSession(
  centre: Centre,
  of: { readonly turn: number } | { readonly contactId: string },
): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const turn = 'turn' in of ? of.turn : 0;
  const contactId = 'contactId' in of ? of.contactId : null;
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`
      insert into organisations.code_session (id, token_sha256, contact_id, contact_point_id,
        opened_at)
      select ${newId()}, ${sha256(token)}, contact.id, held.contact_point_id, now()
      from organisations.contact
      join organisations.contact_contact_point held on held.contact_id = contact.id
      where contact.active and case when ${contactId}::uuid is null
        -- Somebody of the walk cuts organisations off, closes them and takes both back.
        then contact.organisation_id not in (select organisation_id from organisations.v_cut_off)
          and contact.organisation_id in (
            select id from organisations.organisation where closed_on is null)
        else contact.id = ${contactId}::uuid end
      order by (contact.rank + ${turn}) % 3, contact.id limit 1`),
  );
  return token;
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
