/** What was changed of an organisation and its contacts, and who looked at their numbers. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export const changeKinds = [
  'facts',
  'contact',
  'linked',
  'unlinked',
  'hours',
  'absence',
  'domain',
  'merge',
  'attested',
  'left',
  'parent',
  'cut_off',
] as const;

export type ChangeKind = (typeof changeKinds)[number];

export type ChangeRow = {
  readonly id: string;
  readonly changedAt: Date;
  readonly actorKind: string;
  readonly actorId: string;
  /** Null where no person and no contact did it, such as an import at the command line. */
  readonly actorName: string | null;
  /** Null: of the organisation itself. */
  readonly contactId: string | null;
  readonly contactName: string | null;
  readonly what: ChangeKind | 'added' | 'looked_up';
  readonly fields: Readonly<Record<string, unknown>>;
};

export type NewChange = {
  readonly organisationId: string;
  readonly contactId: string | null;
  readonly what: 'hours' | 'absence' | 'domain' | 'merge' | 'attested' | 'left' | 'cut_off';
  /** Never a number and never an address. */
  readonly fields: Readonly<Record<string, unknown>>;
};

/** What no trigger notes. Who did it and when, the database says. */
export async function insertChange(tx: Tx, change: NewChange): Promise<void> {
  await tx.run(sql`
    insert into organisations.change (organisation_id, contact_id, what, fields)
    values (${change.organisationId}, ${change.contactId}, ${change.what},
      ${JSON.stringify(change.fields)}::jsonb)`);
}

export type ChangeSearch = {
  readonly since?: Date;
  readonly before?: Date;
  readonly limit: number;
};

/** Newest first: changes, contacts that were added, and looks at whole numbers. */
export async function listChanges(
  tx: Tx,
  organisationId: string,
  { since, before, limit }: ChangeSearch,
): Promise<ChangeRow[]> {
  return await tx.rows<ChangeRow>(sql`
    with told as (
      (select change.id::text, change.changed_at, change.actor_kind, change.actor_id,
        change.contact_id, change.what, change.fields
      from organisations.change
      where change.organisation_id = ${organisationId}
        and change.changed_at >= ${since ?? new Date(0)}
        and change.changed_at < ${before ?? END_OF_TIME}
      order by change.changed_at desc limit ${limit})
      union all
      (select contact.id::text, contact.created_at, null, contact.created_by, contact.id, 'added',
        '{}'::jsonb
      from organisations.contact
      where contact.organisation_id = ${organisationId}
        and contact.created_at >= ${since ?? new Date(0)}
        and contact.created_at < ${before ?? END_OF_TIME}
      order by contact.created_at desc limit ${limit})
      union all
      (select entry.id::text, entry.at, entry.actor_kind, entry.actor_id, null, 'looked_up',
        '{}'::jsonb
      from audit.v_entry entry
      where entry.subject_kind = 'organisation' and entry.subject_id = ${organisationId}
        and entry.action = 'contact.looked_up' and entry.at >= ${since ?? new Date(0)}
        and entry.at < ${before ?? END_OF_TIME}
      order by entry.at desc limit ${limit})
    )
    select told.id, told.changed_at, coalesce(told.actor_kind, 'unknown') as actor_kind,
      told.actor_id, coalesce(person.name, doer.name) as actor_name, told.contact_id,
      contact.name as contact_name, told.what, told.fields
    from told
    left join identity.v_person person on person.id::text = told.actor_id
    left join organisations.contact doer
      on doer.id = case told.actor_kind when 'contact' then told.actor_id::uuid end
    left join organisations.contact on contact.id = told.contact_id
    order by told.changed_at desc, told.id desc
    limit ${limit}`);
}

const END_OF_TIME = new Date('9999-01-01T00:00:00Z');
