/**
 * Bad input of every kind, in every parameter, query, form, body and upload of every route, as
 * those whom the route admits: the answer is a page or a problem detail that tells nothing of the
 * inside, it comes, and what was refused wrote nothing.
 *
 *     TOCSIN_FUZZ_SEED=7 TOCSIN_FUZZ_RUNS=500 node --test test/security/fuzz.test.ts
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { asyncProperty, check } from 'fast-check';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import type { Route } from '#web/index.ts';
import { absentOf, makeObjects, type Objects } from './objects.ts';
import { openGround, type Ground, type Lane } from './fuzz/ground.ts';
import { wishes, type Wish } from './fuzz/hostile.ts';
import { faultOf } from './fuzz/judge.ts';
import {
  exampleOf,
  jsonSchemaOf,
  keyOf,
  queryOf,
  RightRequests,
  type Right,
} from './fuzz/right-requests.ts';
import { send } from './fuzz/wire.ts';
import { wroteWithoutEntry } from './watch-writes.ts';

const LANES = 6;
const SEED = Number(process.env['TOCSIN_FUZZ_SEED'] ?? 20_261_127);
/** Wrong requests of each route. */
const RUNS = Number(process.env['TOCSIN_FUZZ_RUNS'] ?? 4);
/** Right ones, where so many are known: four are of the path alone, those of forms come after. */
const RIGHT = Math.max(RUNS, 6);
/** Longer than any route takes, and far longer than a request may. */
const ROUTE_MS = 60_000;
const LIMIT_MS = RUNS * 400 * 100 + 120_000;

let requests = 0;
let ground: Ground;
let objects: Objects;
let known: RightRequests;
const ids = new Map<string, string[]>();
const ABSENT = '01a00000-0000-7000-8000-000000000000';

before(async () => {
  ground = await openGround(LANES);
  objects = await makeObjects(ground.centre);
  known = new RightRequests(ground.routes);
  await walk();
});
after(() => ground?.close());

/** Follows every link and posts every form of every page once, and again what that made. */
async function walk(): Promise<void> {
  const [lane] = ground.lanes;
  for (const route of ground.routes.filter((one) => !isJson(one))) {
    const plain = { fields: [], isMultipart: false, json: undefined };
    for (const which of ['own', 'absent'] as const)
      for (const query of [[], queryOf(route)]) {
        const path = objects.pathOf(route.path, which);
        if (path !== undefined) known.add(route.method, { ...plain, path, query });
      }
  }
  const done = new Set<Right>();
  for (let round = 0; round < 3; round++) {
    await readPages(lane!, done);
    await postForms(lane!, done);
    await readIds();
  }
  for (const route of ground.routes) addNamed(route);
}

async function readPages(lane: Lane, done: Set<Right>): Promise<void> {
  const pages = ground.routes.filter(({ method, kind }) => method === 'GET' && kind === 'page');
  for (let more = true; more;) {
    more = false;
    for (const route of pages)
      for (const right of known.of(route)) {
        if (done.has(right)) continue;
        done.add(right);
        more = true;
        const got = await lane.send(route, send(right, { method: 'GET', isJson: false }, []));
        if (got.status === 200) known.readPage(got.body, right.path);
      }
  }
}

async function postForms(lane: Lane, done: Set<Right>): Promise<void> {
  const posts = ground.routes.filter(({ method, kind }) => method === 'POST' && kind === 'page');
  for (const route of posts)
    for (const right of known.of(route)) {
      if (done.has(right) || right.fields.length === 0) continue;
      done.add(right);
      const got = await lane.send(route, send(right, { method: 'POST', isJson: false }, []));
      if (got.headers.location !== undefined) known.readPage(linkTo(got.headers.location), '/');
      else known.readPage(got.body, right.path);
    }
}

function linkTo(path: string): string {
  return `<a href="${path.replaceAll('"', '')}">there</a>`;
}

/** Ids of what there is, by the name of its table. */
async function readIds(): Promise<void> {
  await ground.centre.db.owner.withActor(system('test'), async (tx) => {
    const tables = await tx.rows<{ name: string; schema: string }>(sql`
      select table_name as name, table_schema as schema from information_schema.columns
      join information_schema.tables using (table_schema, table_name)
      where column_name = 'id' and data_type = 'uuid' and table_type = 'BASE TABLE'
        and table_schema in ('alerts', 'dispatch', 'identity', 'operating_model', 'organisations',
          'responses')`);
    for (const { name, schema } of tables) {
      const { list } = await tx.one<{ list: string[] | null }>(sql`
        select (xpath('//id/text()', query_to_xml(format(
          'select id from %I.%I order by id limit 4', ${schema}::text, ${name}::text),
          false, false, '')))::text[] as list`);
      ids.set(name, list ?? []);
    }
  });
}

/** `/api/v1/audiences/:id` is of the table `audience`. */
function idFor(word: string, turn = 0): string | undefined {
  const singular = word.replaceAll('-', '_').replace(/Id$/, '').toLowerCase();
  const found = ids.get(singular.replace(/(?<=ch)es$|s$/, '')) ?? [];
  return found[turn % Math.max(1, found.length)];
}

/** What a provider calls with: the handler reads it only after it believed who calls. */
const CALLED: Readonly<Record<string, unknown>> = {
  '/callbacks/:gateway/receipts': {
    id: ABSENT,
    reference: 'ours-1-1',
    status: 'delivered',
    notification_type: 'sms',
  },
  '/callbacks/:gateway/texts': {
    id: ABSENT,
    source_number: '447700900201',
    destination_number: '447700900000',
    message: '4821',
    date_received: '2026-11-27T12:00:00.000000Z',
  },
};

/** What an issuer posts, by the shape: a form. */
const TOLD: Readonly<Record<string, Right['fields']>> = {
  '/callbacks/issuers/:issuer/logout': [['logout_token', 'e30.e30.AAAA']],
};

/** With ids of what there is, and a right body: an API is linked to by no page. */
function addNamed(route: Route): void {
  const parts = route.path.split('/');
  const named: Record<string, string> = {
    gateways: 'notify',
    gateway: 'notify',
    sha256: ground.centre.model.version,
    number: '1',
    version: '1',
  };
  const schema = route.body === undefined ? undefined : jsonSchemaOf(route.body);
  const bodyOf = (isShort: boolean) =>
    CALLED[route.path] ?? (schema && exampleOf(schema, '', { idOf: idFor, isShort }));
  for (const turn of [0, 1, 2]) {
    const path = parts
      .map((part, i) => {
        if (!part.startsWith(':')) return part;
        const word = part === ':id' ? parts[i - 1]! : part.slice(1);
        return named[word] ?? idFor(word, turn) ?? (part === ':id' ? ABSENT : absentOf(word));
      })
      .join('/');
    for (const isShort of [true, false])
      known.add(route.method, {
        path,
        query: isShort ? [] : queryOf(route),
        fields: TOLD[route.path] ?? [],
        isMultipart: false,
        json: bodyOf(isShort),
      });
  }
}

const isJson = ({ kind, path }: Route) =>
  kind === 'api' || (kind === 'callback' && !(path in TOLD));

/** Sends it, and says what is wrong with the answer. */
async function wrongWith(route: Route, wish: Wish, lane: Lane): Promise<string | undefined> {
  const rights = known.of(route);
  const right = rights[wish.which % rights.length];
  if (right === undefined) return undefined;
  const sent = send(right, { method: route.method, isJson: isJson(route) }, wish.twists);
  const faults = ground.logged.length;
  const begin = new Date();
  let got;
  try {
    got = await lane.send(route, sent);
  } catch (error) {
    return `no answer: ${String(error)}`;
  }
  const said = `\n  ${sent.path.slice(0, 300)}\n  ${String(sent.body ?? '').slice(0, 500)}`;
  const fault = faultOf(route, sent, got);
  if (fault !== undefined) return [fault + said, ...ground.logged.slice(faults)].join('\n  ');
  if (got.status < 400 || route.method === 'GET') return undefined;
  // A page of numbers that is shown again with what is wrong is a look at them: an entry.
  const wrote = (await lane.wroteSince(begin)).filter((table) => !table.startsWith('audit.'));
  return wrote.length === 0 ? undefined : `${got.status}, and yet wrote ${wrote.join()}${said}`;
}

/** The first fault of the route, with the least that is wrong about the request that shows it. */
async function tryRoute(route: Route, lane: Lane): Promise<string | undefined> {
  const property = asyncProperty(wishes, async (wish) => {
    requests += 1;
    assert.equal(await wrongWith(route, wish, lane), undefined);
  });
  const right = known.of(route).slice(0, RIGHT);
  const said = await check(property, {
    seed: SEED,
    numRuns: right.length + RUNS,
    examples: right.map((_, which): [Wish] => [{ which, twists: [] }]),
    interruptAfterTimeLimit: ROUTE_MS + RUNS * 100,
  });
  if (!said.failed || said.counterexample === null) return undefined;
  const { actual } = said.errorInstance as { actual?: string };
  return `${keyOf(route)}: ${actual}\n  ${JSON.stringify(said.counterexample[0]).slice(0, 400)}`;
}

test('bad input of every kind is answered as such', { timeout: LIMIT_MS }, async (t) => {
  const faults: string[] = [];
  const queue = [...ground.routes];
  const work = async (lane: Lane) => {
    for (let route = queue.pop(); route !== undefined; route = queue.pop()) {
      const fault = await tryRoute(route, lane);
      if (fault !== undefined) faults.push(fault);
    }
  };
  await Promise.all(ground.lanes.map(work));
  t.diagnostic(`${ground.routes.length} routes, ${requests} requests, seed ${SEED}`);
  assert.deepEqual(faults, [], faults.join('\n'));
  assert.deepEqual(ground.logged, []);
});

test('each route was reached beyond who may come and what can be parsed', () => {
  const unreached = ground.routes.map(keyOf).filter((key) => !ground.reached.has(key));
  assert.deepEqual(unreached, []);
});

/** What may be written without an entry, and why nothing has changed by it. */
const WITHOUT_ENTRY: Readonly<Record<string, string>> = {
  'alerts.editor': 'the same stretch of writing: its first save has one, the submission has all',
  'alerts.version': 'as its editor',
  'identity.api_key': 'when a key was last used',
  'identity.idempotency': 'an answer, kept for whoever asks again',
  'identity.issuer': 'when it failed last, and when it told of a sign-out',
  'identity.issuer_visit': 'somebody was sent there, and nothing came of it yet',
  'identity.passkey_challenge': 'something to sign, and nothing came of it yet',
  'identity.session': 'when a session was last seen',
  'identity.sign_in_code': 'wrong ones are counted',
  'organisations.code_session': 'when a session was last seen',
  'organisations.import_mapping': 'how to read the columns of a file on its way in',
  'organisations.import_row': 'a file on its way in',
  'organisations.import_run': 'a file on its way in: its import, or what it proposes, has one',
  'organisations.one_time_code': 'wrong ones are counted',
  'responses.failed_try': 'wrong ones are counted',
};

test('every change that somebody made has its entry in the audit', async () => {
  const wrote = await wroteWithoutEntry(ground.centre);
  assert.ok(wrote.includes('identity.passkey_challenge'), 'it is looked for');
  assert.deepEqual(
    wrote.filter((table) => !Object.hasOwn(WITHOUT_ENTRY, table)),
    [],
  );
});
