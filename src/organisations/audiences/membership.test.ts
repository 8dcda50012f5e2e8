/** What SQL says of random questions over random directories is what a plain model says. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../../test/support/database.ts';
import { isMember, whyIn, whyOut, type OrganisationFacts } from './membership.ts';
import { everybody, type AudienceQuestion, type Join } from '../model.ts';
import { existsOn, matchesOrganisation } from './store-audience.ts';
import { saveRegions, saveSystems } from '../imports/store-import.ts';
import { listMembers } from './store-members.ts';
import { insertProduct, insertSupplier } from '../suppliers/store-supplier.ts';
import { insertTag } from '../suppliers/store-tag.ts';

const centre = system('test');
const TYPES = ['trust', 'practice', 'board'];
const PLACES = ['R1', 'R2', 'R3'];
const NAMES = ['Citrix', 'Advanced', 'Synnovis'];
const TAGS = ['icu', 'stroke centre'];
const CODES = Array.from({ length: 12 }, (_, i) => `AA-${i + 10}`);

let db: Clone;
before(async () => {
  db = await cloneDatabase();
});
after(async () => await db.drop());

type Body = Omit<OrganisationFacts, 'code' | 'exists' | 'follows' | 'above'> & {
  /** Whose place it took, by its number in the directory. */
  readonly predecessor: number | null;
  readonly useEnds: 'never' | 'past' | 'ahead';
  /** Below whom it stands, by its number in the directory, which is a lower one. */
  readonly parent: number | null;
  readonly parentWas: 'ever' | 'past' | 'ahead';
};

const body: fc.Arbitrary<Body> = fc.record({
  type: fc.constantFrom(...TYPES),
  regionCode: fc.option(fc.constantFrom(...PLACES)),
  systemCode: fc.option(fc.constantFrom(...PLACES)),
  mustAnswer: fc.boolean(),
  openedOn: fc.constantFrom(null, '2020-01-01', '2999-01-01'),
  closedOn: fc.constantFrom(null, null, '2020-01-02', '2999-01-02'),
  suppliers: fc.subarray(NAMES),
  products: fc.subarray(NAMES),
  tags: fc.subarray(TAGS),
  predecessor: fc.oneof(fc.constant(null), fc.nat(CODES.length - 1)),
  useEnds: fc.constantFrom('never', 'past', 'ahead'),
  parent: fc.option(fc.nat(CODES.length - 1), { freq: 3 }),
  parentWas: fc.constantFrom('ever', 'ever', 'past', 'ahead'),
});

/** In any case and with any white space: names are compared without regard to them. */
const spelled = (names: readonly string[]) =>
  fc
    .subarray([...names])
    .chain((chosen) =>
      fc.boolean().map((loud) => chosen.map((name) => (loud ? ` ${name.toUpperCase()}  ` : name))),
    );

/** One half of the questions narrows little, so that audiences are not all empty. */
const seldom = <T>(of: fc.Arbitrary<T[]>) => fc.oneof(fc.constant<T[]>([]), of);

const flat: fc.Arbitrary<AudienceQuestion> = fc.record({
  types: seldom(fc.subarray(TYPES)),
  regions: seldom(fc.subarray(PLACES)),
  systems: seldom(fc.subarray(PLACES)),
  parents: seldom(fc.subarray(CODES, { maxLength: 3 })),
  roles: fc.constant([]),
  ranks: fc.constant([]),
  suppliers: seldom(spelled(NAMES)),
  products: seldom(spelled(NAMES)),
  tags: seldom(spelled(TAGS)),
  mustAnswerOnly: fc.boolean(),
  namedOnly: fc.boolean(),
  include: fc.subarray(CODES, { maxLength: 3 }),
  exclude: fc.subarray(CODES, { maxLength: 3 }),
  audiences: fc.constant([]),
});

function withParts(inner: fc.Arbitrary<AudienceQuestion>): fc.Arbitrary<AudienceQuestion> {
  const part = fc.record({
    how: fc.constantFrom<Join>('and', 'or', 'not'),
    id: fc.uuid(),
    version: fc.constant(1),
    name: fc.constantFrom('First', 'Second'),
    question: inner,
  });
  return fc
    .record({ question: flat, audiences: fc.array(part, { maxLength: 2 }) })
    .map(({ question, audiences }) => ({ ...question, audiences }));
}

const question = withParts(withParts(flat));

/** Empty, but for the suppliers, products, tags and places that bodies may have. */
async function begin(tx: Tx): Promise<void> {
  await tx.run(sql`truncate organisations.use, organisations.organisation_tag,
    organisations.tag_spelling, organisations.tag, organisations.product_spelling,
    organisations.product, organisations.supplier_spelling, organisations.supplier,
    organisations.succession_part, organisations.succession, organisations.parenthood,
    organisations.organisation cascade`);
  for (const name of NAMES) {
    const supplierId = newId();
    await insertSupplier(tx, { id: supplierId, name });
    await insertProduct(tx, { id: newId(), name, supplierId });
  }
  for (const name of TAGS) await insertTag(tx, { id: newId(), name });
  const places = PLACES.map((code) => ({ code, name: code }));
  await saveRegions(tx, places);
  await saveSystems(tx, places);
}

/** A directory of these bodies, and what is true of each today. */
async function fill(bodies: readonly Body[]): Promise<OrganisationFacts[]> {
  await db.owner.withActor(centre, async (tx) => {
    await begin(tx);
    const rows = bodies.map((one, i) => ({ ...one, code: CODES[i] }));
    await tx.run(sql`
      insert into organisations.organisation (code, name, short_name, type, region_code,
        system_code, must_answer, opened_on, closed_on, source)
      select told.code, told.code, told.code, told.type, told."regionCode", told."systemCode",
        told."mustAnswer", told."openedOn", told."closedOn", 'csv'
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as told (code text, type text,
        "regionCode" text, "systemCode" text, "mustAnswer" bool, "openedOn" date,
        "closedOn" date)`);
    const uses = rows.flatMap(({ code, suppliers, products, useEnds }) => [
      ...suppliers.map((name) => ({ code, name, by: 'supplier', useEnds })),
      ...products.map((name) => ({ code, name, by: 'product', useEnds })),
    ]);
    await tx.run(sql`
      insert into organisations.use (organisation_id, supplier_id, product_id, said_by, said_on,
        known_from, used_until, recorded_by, recorded_at)
      select organisation.id, supplier.id, case told.by when 'product' then product.id end, 'x',
        current_date, current_date, case told."useEnds" when 'past' then current_date
          when 'ahead' then current_date + 1 end, 'x', now()
      from jsonb_to_recordset(${JSON.stringify(uses)}::jsonb)
        as told (code text, name text, by text, "useEnds" text)
      join organisations.organisation on organisation.code = told.code
      join organisations.supplier on supplier.name = told.name
      join organisations.product on product.name = told.name`);
    const tagged = rows.flatMap(({ code, tags }) => tags.map((name) => ({ code, name })));
    await tx.run(sql`
      insert into organisations.organisation_tag (organisation_id, tag_id, tagged_by, tagged_at)
      select organisation.id, tag.id, 'x', now()
      from jsonb_to_recordset(${JSON.stringify(tagged)}::jsonb) as told (code text, name text)
      join organisations.organisation on organisation.code = told.code
      join organisations.tag on tag.name = told.name`);
  });
  await db.owner.withActor(centre, (tx) => merge(tx, bodies));
  await db.owner.withActor(centre, (tx) => placeBelow(tx, bodies));
  const today = new Date().toISOString().slice(0, 10);
  return bodies.map((one, i) => ({
    ...factsOf(one, CODES[i]!, today),
    follows: [...predecessorsOf(bodies, i)].map((at) => CODES[at]!).sort(),
    above: [...aboveOf(bodies, i)].map((at) => CODES[at]!).sort(),
  }));
}

/** One merger that was carried out for each body that took another's place. */
async function merge(tx: Tx, bodies: readonly Body[]): Promise<void> {
  for (const [i, { predecessor }] of bodies.entries()) {
    if (predecessor === null || predecessor === i) continue;
    const id = newId();
    await tx.run(sql`
      insert into organisations.succession (id, on_date, state, planned_by, confirmed_by,
        confirmed_at, applied_at)
      values (${id}, current_date, 'applied', 'x', 'x', now(), now())`);
    await tx.run(sql`
      insert into organisations.succession_part (succession_id, predecessor_id, successor_id,
        takes_children)
      select ${id}, before.id, after.id, true
      from organisations.organisation before, organisations.organisation after
      where before.code = ${CODES[predecessor]} and after.code = ${CODES[i]}`);
  }
}

async function placeBelow(tx: Tx, bodies: readonly Body[]): Promise<void> {
  const held = bodies.flatMap((one, i) =>
    one.parent !== null && one.parent < i
      ? [{ child: CODES[i], parent: CODES[one.parent], was: one.parentWas }]
      : [],
  );
  await tx.run(sql`
    insert into organisations.parenthood (child_id, parent_id, began_on, ended_on, said_by)
    select child.id, parent.id, case told.was when 'ahead' then current_date + 1 end,
      case told.was when 'past' then current_date - 1 end, 'x'
    from jsonb_to_recordset(${JSON.stringify(held)}::jsonb)
      as told (child text, parent text, was text)
    join organisations.organisation child on child.code = told.child
    join organisations.organisation parent on parent.code = told.parent`);
}

/** Those that it stands below today, and those whose place they took. */
function aboveOf(bodies: readonly Body[], i: number): Set<number> {
  const { parent, parentWas } = bodies[i]!;
  if (parent === null || parent >= i || parentWas !== 'ever') return new Set();
  return new Set([parent, ...predecessorsOf(bodies, parent), ...aboveOf(bodies, parent)]);
}

/** Those whose place it took, and those whose place they had taken. */
function predecessorsOf(bodies: readonly Body[], i: number): Set<number> {
  const found = new Set<number>();
  for (let at = i; ;) {
    const { predecessor } = bodies[at]!;
    if (predecessor === null || predecessor === at || found.has(predecessor)) return found;
    found.add(predecessor);
    at = predecessor;
  }
}

function factsOf(
  { useEnds, predecessor: _predecessor, parent: _parent, parentWas: _parentWas, ...one }: Body,
  code: string,
  today: string,
): Omit<OrganisationFacts, 'follows' | 'above'> {
  const isUsed = useEnds !== 'past';
  const used = isUsed ? [...one.suppliers, ...one.products] : [];
  return {
    ...one,
    code,
    exists: (one.openedOn ?? today) <= today && (one.closedOn ?? today) >= today,
    // Whoever uses a product uses something of its supplier.
    suppliers: [...new Set(used.map((name) => name.toLowerCase()))].sort(),
    products: isUsed ? one.products.map((name) => name.toLowerCase()).sort() : [],
    tags: one.tags.toSorted(),
  };
}

const names = {
  typeLabel: (type: string) => type,
  regionName: (code: string) => code,
  systemName: (code: string) => code,
  dayName: (day: string) => day,
};

test('whom a question means in SQL, in the lists and in the plain model', async () => {
  const directory = fc.array(body, { minLength: CODES.length, maxLength: CODES.length });
  await fc.assert(
    fc.asyncProperty(
      directory,
      fc.array(question, { minLength: 25, maxLength: 25 }),
      async (bodies, questions) => {
        const facts = await fill(bodies);
        for (const asked of questions) {
          const expected = facts.filter((one) => isMember(asked, one)).map(({ code }) => code);
          const [matched, listed] = await db.web.withActor(centre, async (tx) => [
            await tx.rows<{ code: string }>(sql`
            select organisation.code from organisations.v_organisation organisation
            where ${matchesOrganisation(asked)} order by organisation.code`),
            await listMembers(tx, { question: asked, limit: 100 }),
          ]);
          assert.deepEqual(
            matched.map(({ code }) => code),
            expected,
          );
          assert.deepEqual(
            listed.map(({ id: _id, name: _name, ...one }) => ({
              ...one,
              suppliers: one.suppliers.toSorted(),
              products: one.products.toSorted(),
              tags: one.tags.toSorted(),
            })),
            facts.filter((one) => expected.includes(one.code)),
          );
        }
      },
    ),
    { numRuns: 12 },
  );
});

test('whoever is in has a reason for it, whoever is out one for that, and nobody both', async () => {
  const facts = body.map(
    ({ useEnds: _ends, parentWas: _was, predecessor, parent, ...one }): OrganisationFacts => ({
      ...one,
      above: parent === null ? [] : [CODES[parent]!],
      follows: predecessor === null ? [] : [CODES[predecessor]!],
      code: 'AA-10',
      exists: one.closedOn === null && one.openedOn !== '2999-01-01',
      suppliers: one.suppliers.map((name) => name.toLowerCase()),
      products: one.products.map((name) => name.toLowerCase()),
    }),
  );
  fc.assert(
    fc.property(question, facts, (asked, one) => {
      const isIn = isMember(asked, one);
      const out = whyOut(asked, one, names);
      assert.equal(out.length > 0, !isIn, out.join());
      if (isIn) assert.notEqual(whyIn(asked, one, names).join(), '');
      for (const words of [...out, ...(isIn ? whyIn(asked, one, names) : [])])
        assert.doesNotMatch(words, /undefined|null/);
    }),
  );
});

test('everybody is whoever exists', async () => {
  const exists = await db.web.withActor(centre, (tx) =>
    tx.rows(sql`
      select organisation.code from organisations.organisation
      where (${existsOn(sql`current_date`)}) and not exists (
        select from organisations.v_organisation same where same.code = organisation.code)`),
  );
  assert.deepEqual(exists, []);
  assert.equal(
    isMember(everybody, {
      code: 'AA-10',
      type: 'trust',
      regionCode: null,
      systemCode: null,
      mustAnswer: false,
      exists: true,
      openedOn: null,
      closedOn: null,
      suppliers: [],
      products: [],
      tags: [],
      follows: [],
      above: [],
    }),
    true,
  );
});
