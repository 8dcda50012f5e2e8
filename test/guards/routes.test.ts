/** Every route names who may come, and a new or changed one is seen by a reviewer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyPermissions, permissions } from '#kernel/actor.ts';
import { assertNone, listFiles } from './repository.ts';
import { findTwice, findUnexplained, loadRoutes, printRoutes, readRoutesFile } from './routes.ts';

const others = ['public', 'nobody', 'signed-in', 'contact', 'callback'];
const accesses = new Set<string>([...others, ...Object.keys(permissions)]);
const kinds = new Set<string>(['page', 'api', 'callback', 'events']);

test('the routes are the reviewed ones', async () => {
  const current = readRoutesFile();
  assert.equal(
    current,
    printRoutes(await loadRoutes(), current),
    'test/guards/routes.txt differs: run node_modules/.bin/node test/guards/routes.ts and review the change',
  );
  assertNone(findUnexplained(current), 'routes for anybody without a reason');
});

test('every route names its access, and no two answer the same path', async () => {
  const routes = await loadRoutes();
  for (const { method, path, access, kind } of routes) {
    for (const one of [access].flat())
      assert.ok(accesses.has(one), `${method} ${path} has no access: ${one}`);
    assert.ok(kinds.has(kind), `${method} ${path}: ${kind}`);
    assert.ok(method === 'GET' || kind !== 'events', `${method} ${path} is a stream`);
    assert.equal(kind === 'callback', access === 'callback', `${method} ${path}`);
    // Who may come is decided by a record of one's own, never by where the path lies.
    assert.match(path, /^\/(?:[\w.:-]+\/)*(?:[\w.:*-]+)?$/, path);
  }
  assertNone(findTwice(routes), 'two routes for the same method and path');
});

test('keys of programs can have what the API asks for, and nothing else', async () => {
  const api = (await loadRoutes()).filter(({ kind }) => kind === 'api');
  const asked = new Set(api.flatMap(({ access }) => [access].flat()));
  asked.delete('public');
  assert.deepEqual([...asked].toSorted(), [...keyPermissions].toSorted());
});

test('every slice with routes is wired', async () => {
  const wiring = listFiles('src/main', /^wiring\.ts$/)[0]!.text;
  const unwired = listFiles('src', /^routes\.ts$/)
    .map((file) => file.path.split('/')[1]!)
    .filter((slice) => slice !== 'web' && slice !== 'simulator')
    .filter((slice) => !wiring.includes(`#${slice}/index.ts`));
  assertNone(unwired, 'slices whose routes nobody serves');
});

test('the guard bites', () => {
  const open = { method: 'GET', path: '/healthz', access: 'public', kind: 'page' } as const;
  const closed = { method: 'POST', path: '/a/:id', access: 'alert.write', kind: 'page' } as const;
  const first = printRoutes([closed, open], '');
  assert.equal(findUnexplained(first).length, 1);
  const reviewed = first.replace('REASON MISSING', 'for load balancers');
  assert.equal(printRoutes([open, closed], reviewed), reviewed);
  assert.deepEqual(findUnexplained(reviewed), []);
  assert.notEqual(printRoutes([{ ...closed, access: 'public' }, open], reviewed), reviewed);
  assert.notEqual(printRoutes([open], reviewed), reviewed);
  assert.deepEqual(findTwice([closed, { ...closed, path: '/a/:name' }]), ['POST /a/:']);
});
