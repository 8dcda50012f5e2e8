/** Statements of mergers and splits: who follows whom, and the handing over on the day. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Body, GivenChild, Group, Heir, Holder, Part, SuccessionState } from './succession.ts';

export async function listBodies(tx: Tx, codes: readonly string[]): Promise<Body[]> {
  return await tx.rows<Body>(sql`
    select id, code, name, opened_on::text, closed_on::text
    from organisations.organisation where code = any(${[...codes]}::text[]) order by code`);
}

export async function insertSuccession(
  tx: Tx,
  plan: {
    readonly id: string;
    readonly onDate: string;
    readonly plannedBy: string;
  },
): Promise<boolean> {
  return (
    (await tx.run(sql`
      insert into organisations.succession (id, on_date, planned_by)
      values (${plan.id}, ${plan.onDate}, ${plan.plannedBy})
      on conflict do nothing`)) === 1
  );
}

export async function insertParts(
  tx: Tx,
  successionId: string,
  parts: readonly Part[],
): Promise<void> {
  await tx.run(sql`
    insert into organisations.succession_part (succession_id, predecessor_id, successor_id,
      takes_children)
    select ${successionId}, told.predecessor_id, told.successor_id, told.takes_children
    from unnest(${parts.map((part) => part.predecessorId)}::uuid[],
      ${parts.map((part) => part.successorId)}::uuid[],
      ${parts.map((part) => part.takesChildren)}::boolean[])
      as told (predecessor_id, successor_id, takes_children)`);
}

export type SuccessionRow = Group & {
  readonly id: string;
  readonly children: readonly GivenChild[];
  readonly onDate: string;
  readonly state: SuccessionState;
  readonly plannedAt: Date;
  readonly appliedAt: Date | null;
};

const bodiesOf = (column: 'predecessor' | 'successor', which: Sql = sql`true`) => {
  const id = column === 'predecessor' ? sql`part.predecessor_id` : sql`part.successor_id`;
  return sql`(select coalesce(json_agg(json_build_object('id', body.id, 'code', body.code,
      'name', body.name, 'openedOn', body.opened_on, 'closedOn', body.closed_on)
      order by body.code), '[]')
    from organisations.organisation body
    where body.id in (select ${id} from organisations.succession_part part
      where part.succession_id = succession.id and ${which}))`;
};

const columns = sql`succession.id, succession.on_date::text, succession.state,
  ${bodiesOf('predecessor')} as predecessors, ${bodiesOf('successor')} as successors,
  (select json_agg(json_build_object('predecessorId', part.predecessor_id,
      'successorId', part.successor_id, 'takesChildren', part.takes_children))
    from organisations.succession_part part where part.succession_id = succession.id) as parts,
  (select coalesce(json_agg(json_build_object('child', child.code, 'successor', taker.code)
      order by child.code), '[]')
    from organisations.succession_child given
    join organisations.organisation child on child.id = given.child_id
    join organisations.organisation taker on taker.id = given.successor_id
    where given.succession_id = succession.id) as children,
  succession.planned_at, succession.applied_at`;

/** Gives them to successors by name; null: to whom the plan says. */
export async function giveChildren(
  tx: Tx,
  successionId: string,
  places: readonly { readonly childId: string; readonly successorId: string | null }[],
): Promise<void> {
  await tx.run(sql`
    delete from organisations.succession_child
    where succession_id = ${successionId}
      and child_id = any(${places.map(({ childId }) => childId)}::uuid[])`);
  await tx.run(sql`
    insert into organisations.succession_child (succession_id, child_id, successor_id)
    select ${successionId}, told.child_id, told.successor_id
    from unnest(${places.map(({ childId }) => childId)}::uuid[],
      ${places.map(({ successorId }) => successorId)}::uuid[]) as told (child_id, successor_id)
    where told.successor_id is not null`);
}

/** What is to come first, then what is done or withdrawn, the newest first. */
export async function listSuccessions(tx: Tx, limit: number): Promise<SuccessionRow[]> {
  return await tx.rows<SuccessionRow>(sql`
    select ${columns} from organisations.succession
    order by succession.state in ('applied', 'withdrawn'),
      case when succession.state in ('planned', 'confirmed') then succession.on_date end,
      succession.on_date desc, succession.id limit ${limit}`);
}

export async function findSuccession(tx: Tx, id: string): Promise<SuccessionRow | undefined> {
  return await tx.maybe<SuccessionRow>(sql`
    select ${columns} from organisations.succession where succession.id = ${id}`);
}

/** What is planned or confirmed for a day until this one, in the order in which it is carried out. */
export async function listUntil(tx: Tx, day: string): Promise<SuccessionRow[]> {
  return await tx.rows<SuccessionRow>(sql`
    select ${columns} from organisations.succession
    where succession.state in ('planned', 'confirmed') and succession.on_date <= ${day}::date
    order by succession.on_date, succession.id`);
}

export type ComingRow = Pick<SuccessionRow, 'id' | 'onDate' | 'state'> & {
  /** To whom it hands over, and from whom it takes over; itself is not among them. */
  readonly handsTo: readonly Body[];
  readonly takesFrom: readonly Body[];
};

const isOther = sql`part.predecessor_id <> part.successor_id`;

/** Plans that are not done in which it hands over or takes over; the next one first. */
export async function listComing(tx: Tx, organisationId: string): Promise<ComingRow[]> {
  return await tx.rows<ComingRow>(sql`
    select succession.id, succession.on_date::text, succession.state,
      ${bodiesOf('successor', sql`part.predecessor_id = ${organisationId} and ${isOther}`)}
        as hands_to,
      ${bodiesOf('predecessor', sql`part.successor_id = ${organisationId} and ${isOther}`)}
        as takes_from
    from organisations.succession
    where succession.state in ('planned', 'confirmed') and exists (
      select from organisations.succession_part part
      where part.succession_id = succession.id
        and ${organisationId} in (part.predecessor_id, part.successor_id))
    order by succession.on_date, succession.id`);
}

/** Other plans, not withdrawn or done, in which one of these hands over. */
export async function countOpenPlans(tx: Tx, predecessorIds: readonly string[]): Promise<number> {
  const { plans } = await tx.one<{ plans: number }>(sql`
    select count(distinct succession.id) as plans from organisations.succession
    join organisations.succession_part part on part.succession_id = succession.id
    where succession.state in ('planned', 'confirmed')
      and part.predecessor_id = any(${[...predecessorIds]}::uuid[])
      and part.predecessor_id <> part.successor_id`);
  return plans;
}

/** Contacts of all who take part; of those who have left only those of successors. */
export async function listHolders(tx: Tx, successionId: string): Promise<Holder[]> {
  return await tx.rows<Holder>(sql`
    select contact.id, contact.organisation_id, organisation.code, contact.name,
      lower(contact.name) as name_key, contact.role, contact.rank, contact.active,
      usual.text, usual.mail
    from organisations.contact
    join organisations.organisation on organisation.id = contact.organisation_id
    cross join lateral (
      select
        string_agg(link.contact_point_id::text, ' ' order by link.position)
          filter (where link.channel = 'text') as text,
        string_agg(link.contact_point_id::text, ' ' order by link.position)
          filter (where link.channel = 'mail') as mail
      from organisations.contact_contact_point link
      where link.contact_id = contact.id
        and (link.position = 1 or (link.contact_id, link.contact_point_id) in (
          select swapped.contact_id, swapped.contact_point_id
          from organisations.v_swapped swapped))
    ) usual
    where (contact.active and contact.organisation_id in (
        select part.predecessor_id from organisations.succession_part part
        where part.succession_id = ${successionId}))
      or contact.organisation_id in (
        select part.successor_id from organisations.succession_part part
        where part.succession_id = ${successionId})`);
}

/** Dispatches still under way that count for a predecessor. */
export async function countOpenDispatches(tx: Tx, successionId: string): Promise<number> {
  const { dispatches } = await tx.one<{ dispatches: number }>(sql`
    select count(*) as dispatches from dispatch.v_dispatch dispatch
    where dispatch.state in ('sending', 'paused') and dispatch.lane > 0 and exists (
      select from organisations.succession_part part
      join dispatch.v_credit credit on credit.organisation_id = part.predecessor_id
      where part.succession_id = ${successionId} and credit.dispatch_id = dispatch.id)`);
  return dispatches;
}

export async function markConfirmed(tx: Tx, id: string, by: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.succession
      set state = 'confirmed', confirmed_by = ${by}, confirmed_at = now()
      where id = ${id} and state = 'planned'`)) === 1
  );
}

export async function markWithdrawn(tx: Tx, id: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.succession set state = 'withdrawn', withdrawn_at = now()
      where id = ${id} and state in ('planned', 'confirmed')`)) === 1
  );
}

/** Confirmed ones whose day has come. */
export async function listDue(tx: Tx, today: string): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(sql`
    select id from organisations.succession
    where state = 'confirmed' and on_date <= ${today}::date
    order by on_date, id`);
  return rows.map(({ id }) => id);
}

/** False where somebody else carries it out, or has: whoever comes second passes over it. */
export async function lockConfirmed(tx: Tx, id: string): Promise<boolean> {
  const found = await tx.maybe(sql`
    select from organisations.succession
    where id = ${id} and state = 'confirmed' for update skip locked`);
  return found !== undefined;
}

export type HeirOf = Heir & { readonly successorId: string };

/** Heirs become contacts of their successor, or again; its own that is one of them stays. */
export async function handOverContacts(tx: Tx, heirs: readonly HeirOf[]): Promise<number> {
  return await tx.run(sql`
    insert into organisations.contact (organisation_id, name, is_post, role, rank, reader_kind,
      language)
    select told."successorId", told.name, contact.is_post, contact.role, told.rank,
      contact.reader_kind, contact.language
    from jsonb_to_recordset(${JSON.stringify(heirs)}::jsonb) as told ("successorId" uuid, name text,
      rank smallint, "contactIds" uuid[])
    join organisations.contact on contact.id = told."contactIds"[1]
    on conflict (organisation_id, role, lower(name)) do update
      set active = true, rank = excluded.rank, updated_at = now()`);
}

/** Numbers and addresses follow, behind those that the contact has there already. */
export async function handOverLinks(tx: Tx, heirs: readonly HeirOf[]): Promise<number> {
  return await tx.run(sql`
    insert into organisations.contact_contact_point (contact_id, contact_point_id, channel,
      position)
    select heir_id, contact_point_id, channel, position from (
      select heir.id as heir_id, told.contact_point_id, told.channel,
        coalesce(taken.position, 0) + row_number() over (
          partition by heir.id, told.channel order by told.place, told.contact_point_id)
          as position
      from (
        select named."successorId", named.role, lower(named.name) as name, link.contact_point_id,
          link.channel, min(link.position) as place
        from jsonb_to_recordset(${JSON.stringify(heirs)}::jsonb) as named ("successorId" uuid,
          role text, name text, "contactIds" uuid[])
        join organisations.contact_contact_point link on link.contact_id = any(named."contactIds")
        group by named."successorId", named.role, lower(named.name), link.contact_point_id,
          link.channel
      ) told
      join organisations.contact heir on heir.organisation_id = told."successorId"
        and heir.role = told.role and lower(heir.name) = told.name
      left join lateral (
        select max(link.position) as position from organisations.contact_contact_point link
        where link.contact_id = heir.id and link.channel = told.channel) taken on true
      where not exists (select from organisations.contact_contact_point link
        where link.contact_id = heir.id and link.contact_point_id = told.contact_point_id)
    ) placed`);
}

/** Predecessors end on the day before, unless they take over from themselves. Says how many. */
export async function closePredecessors(tx: Tx, successionId: string): Promise<number> {
  return await tx.run(sql`
    update organisations.organisation set closed_on = succession.on_date - 1, updated_at = now()
    from organisations.succession
    where succession.id = ${successionId} and organisation.id in (
        select part.predecessor_id from organisations.succession_part part
        where part.succession_id = ${successionId})
      and organisation.id not in (
        select part.successor_id from organisations.succession_part part
        where part.succession_id = ${successionId} and part.predecessor_id = part.successor_id)`);
}

export async function markApplied(tx: Tx, id: string): Promise<boolean> {
  return (
    (await tx.run(sql`
      update organisations.succession set state = 'applied', applied_at = now()
      where id = ${id} and state = 'confirmed'`)) === 1
  );
}
