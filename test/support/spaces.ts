/** Spaces, and people who lead one or read in it. */
import { system } from '#kernel/actor.ts';
import { giveRole, letIn, ofSpace, openSpace } from '#identity/index.ts';
import { must, type Centre, type Person } from './centre.ts';

const LEAD = 'space_lead';

const asTest = system('test');

/** A space that is open, with nobody in it. */
export async function makeSpace({ db }: Centre, name: string): Promise<string> {
  const wish = { name, purpose: 'Who answers for gateways to remote access.' };
  return await db.web.withActor(asTest, async (tx) =>
    must(await openSpace(tx, wish, { now: new Date() })),
  );
}

/** Somebody who leads this space, and holds no role beside. */
export async function inviteSpaceLead(
  centre: Centre,
  name: string,
  spaceId: string,
): Promise<Person> {
  const person = await centre.invite(name, []);
  const held = { personId: person.id, role: LEAD, ...ofSpace(spaceId) };
  const by = { model: centre.model, now: new Date() };
  await centre.db.web.withActor(asTest, async (tx) => must(await giveRole(tx, held, by)));
  return { ...person, permissions: new Set(['space.lead'] as const), spaceIds: [spaceId] };
}

/** Somebody who reads in this space for a week, and holds no role. */
export async function inviteReader(centre: Centre, name: string, spaceId: string): Promise<Person> {
  const person = await centre.invite(name, []);
  const email = `${name.toLowerCase().replaceAll(' ', '.')}@centre.test`;
  const until = new Date(Date.now() + 7 * 86_400_000);
  await centre.db.web.withActor(asTest, async (tx) =>
    must(await letIn(tx, { spaceId, email, until })),
  );
  return person;
}
