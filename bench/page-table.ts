/**
 * What each page of the main job weighs and how long it takes, with an alert to ten thousand
 * organisations out: as a browser counts that has seen none of them before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { open } from '#kernel/sealed.ts';
import { sql } from '#db/sql.ts';
import { openBrowser, type Browser, type BrowserPage } from '../test/support/browser.ts';
import {
  contextOf,
  draftToEverybody,
  readModel,
  submitToEverybody,
  type Submitted,
} from './alert.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { BenchDatabase, Stage } from './stage.ts';

export const PAINT_TARGET_MS = 500;
const LOADS = 9;
/** A second and a half on a third-generation network of 1 Mbit/s. */
const WEIGHT_TARGET_KB = 180;
/** An empty page takes the browser some 150 ms: what is left of the first paint's half second. */
const FIRST_BYTE_TARGET_MS = 350;

/** What is looked at. */
type Around = {
  readonly alertId: string;
  readonly alertNumber: number;
  readonly draftId: string;
  readonly submittedId: string;
  readonly deskItemId: string;
  /** Somebody who was told by text. */
  readonly told: {
    readonly address: string;
    readonly code: string;
    readonly contactId: string;
    readonly organisationId: string;
  };
};

/** Another alert being written, one that waits for approval, a call for help, and some to ring. */
export async function addAround(
  { sealingKey }: Stage,
  { owner, web }: Pick<BenchDatabase, 'owner' | 'web'>,
  { alertId, alertNumber, dispatchId }: Submitted,
): Promise<Around> {
  const context = contextOf(await readModel());
  const draft = await draftToEverybody(web, context);
  const submitted = await submitToEverybody(web, context);
  const deskItemId = newId();
  return await owner.withActor(system('bench'), async (tx) => {
    // Nobody is left to be told at these, none of which answered: they stand on the call list.
    await tx.run(sql`
      update dispatch.message set state = 'cancelled', final_at = now()
      where dispatch_id = ${dispatchId} and state in ('held', 'ready')
        and hashtext(organisation_id::text) % 20 = 1`);
    const [{ pointId, sealed, ...told }] = (await tx.rows<Told>(sql`
      select message.contact_point_id as point_id, message.address_sealed as sealed, message.code,
        message.organisation_id, linked.contact_id
      from dispatch.message
      join organisations.contact_contact_point linked
        on linked.contact_point_id = message.contact_point_id
      where message.dispatch_id = ${dispatchId} and message.channel = 'text'
        and message.state = 'delivered'
      order by message.id limit 1`)) as [Told];
    await tx.run(sql`
      insert into responses.desk_item
        (id, kind, alert_id, organisation_id, contact_point_id, call_back_at)
      values (${deskItemId}, 'help', ${alertId}, ${told.organisationId}, ${pointId},
        now() + interval '15 min')`);
    const address = `+${open([sealingKey], `contact_point|${pointId}`, sealed)}`;
    const ids = { alertId, alertNumber, draftId: draft.id, submittedId: submitted.alertId };
    return { ...ids, deskItemId, told: { ...told, address } };
  });
}

type Told = {
  pointId: string;
  sealed: Buffer;
  code: string;
  organisationId: string;
  contactId: string;
};

type Visit = {
  readonly name: string;
  readonly path: string;
  /** The cookie that says who comes; absent: anybody. */
  readonly cookie?: { readonly name: string; readonly value: string };
  /** What is typed before the page is there that is meant. */
  readonly typed?: { readonly address: string; readonly code: string };
};

function visitsOf({
  alertId,
  alertNumber,
  draftId,
  submittedId,
  deskItemId,
  told,
}: Around): Visit[] {
  const cookie = { name: 'tocsin', value: newId() };
  const own = { name: 'tocsin-contact', value: `${told.contactId} ${told.organisationId}` };
  const { address, code } = told;
  return [
    { name: 'sign-in', path: '/sign-in' },
    { name: 'duty desk', path: '/', cookie },
    { name: 'holding alert', path: '/alerts/holding', cookie },
    { name: 'composer', path: `/alerts/${draftId}/edit`, cookie },
    { name: 'approval', path: `/alerts/${submittedId}`, cookie },
    { name: 'board', path: `/alerts/${alertId}/board`, cookie },
    { name: 'wall', path: `/alerts/${alertId}/wall`, cookie },
    { name: 'list behind a number', path: `/alerts/${alertId}/organisations?show=waiting`, cookie },
    { name: 'call for help', path: `/desk/${deskItemId}`, cookie },
    { name: 'call list', path: `/alerts/${alertId}/calls`, cookie },
    { name: 'public list', path: '/public' },
    { name: 'public alert', path: `/${alertNumber}` },
    { name: 'answer, with the code typed', path: `/${alertNumber}`, typed: { address, code } },
    { name: 'alert in a code session', path: `/your-alerts/${alertNumber}`, cookie: own },
  ];
}

/** Sizes in kB as they go over the wire, with what browsers count for headers. */
type Load = {
  readonly page: number;
  readonly styles: number;
  readonly scripts: number;
  readonly requests: number;
  readonly firstByteMs: number;
  readonly paintMs: number;
};

type Row = Load & { readonly name: string };

export async function measureTable(origin: string, around: Around): Promise<Measurement[]> {
  const opened = await openBrowser();
  if (opened.browser === undefined) throw new Error(opened.reason);
  const { browser } = opened;
  try {
    const empty = await measureVisit(browser, origin, { name: 'empty', path: '/nothing-is-here' });
    const rows: Row[] = [];
    for (const visit of visitsOf(around)) rows.push(await measureVisit(browser, origin, visit));
    return figuresOf(rows, empty);
  } finally {
    await browser.close();
  }
}

async function measureVisit(browser: Browser, origin: string, visit: Visit): Promise<Row> {
  const loads: Load[] = [];
  for (let load = 0; load < LOADS; load += 1) loads.push(await loadOnce(browser, origin, visit));
  const middle = (of: (load: Load) => number) => median(loads.map(of));
  return {
    ...loads[0]!,
    name: visit.name,
    firstByteMs: middle(({ firstByteMs }) => firstByteMs),
    paintMs: middle(({ paintMs }) => paintMs),
  };
}

async function loadOnce(
  browser: Browser,
  origin: string,
  { path, cookie, typed }: Visit,
): Promise<Load> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  if (cookie)
    await context.addCookies([{ ...cookie, value: encodeURIComponent(cookie.value), url: origin }]);
  const page = await context.newPage();
  const answer = await page.goto(`${origin}${path}`);
  if (answer!.status() >= 400 && path !== '/nothing-is-here')
    throw new Error(`${path} answers ${answer!.status()}`);
  if (typed !== undefined) {
    // Whoever types has the page before it, and what that named.
    await page.fill('#address', typed.address);
    await page.fill('#code', typed.code);
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('button', { name: 'Got it, we act' }).waitFor();
    await page.waitForLoadState('load');
  }
  const load = { ...(await readLoad(page)), paintMs: await readFirstPaint(page) };
  await context.close();
  return load;
}

type Part = { readonly name: string; readonly transferSize: number };

async function readLoad(page: BrowserPage): Promise<Omit<Load, 'paintMs'>> {
  const { parts, ...read } = await page.evaluate<{
    page: number;
    firstByteMs: number;
    parts: Part[];
  }>(`(() => {
    const [visit] = performance.getEntriesByType('navigation');
    const parts = performance.getEntriesByType('resource');
    return {
      page: visit.transferSize / 1000,
      firstByteMs: visit.responseStart - visit.requestStart,
      parts: parts.map(({ name, transferSize }) => ({ name, transferSize })),
    };
  })()`);
  const sizeOf = (ending: string) =>
    parts
      .filter(({ name }) => name.endsWith(ending))
      .reduce((sum, { transferSize }) => sum + transferSize / 1_000, 0);
  return { ...read, styles: sizeOf('.css'), scripts: sizeOf('.js'), requests: 1 + parts.length };
}

/** Asked from outside again and again: the page's own policy lets nothing in it wait for a string. */
export async function readFirstPaint(page: BrowserPage): Promise<number> {
  for (;;) {
    const paint = await page.evaluate<number | null>(
      'performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null',
    );
    if (paint !== null) return paint;
    await delay(20);
  }
}

function figuresOf(rows: readonly Row[], empty: Row): Measurement[] {
  const figure = (
    named: { id: string; title: string; unit: string; limitIs: string; target: number },
    of: (row: Row) => number,
    notes: readonly string[] = [],
  ) => {
    const runs = rows.map(of);
    const value = Math.max(...runs);
    const which = rows.find((row) => of(row) === value)!.name;
    return judge({
      ...named,
      value,
      limit: of(empty),
      better: 'less',
      runs,
      notes: [`it is: ${which}`, ...notes],
    });
  };
  return [
    figure(
      {
        id: 'page_weight',
        title: 'what the heaviest page takes over the wire the first time, with all it names',
        unit: 'kB',
        limitIs: 'a page of the same server with nothing on it',
        target: WEIGHT_TARGET_KB,
      },
      ({ page, styles, scripts }) => page + styles + scripts,
      rows.map(tell),
    ),
    figure(
      {
        id: 'page_first_byte',
        title:
          'the page that takes longest from its request to the first byte, median of its loads',
        unit: 'ms',
        limitIs: 'a page of the same server that asks the database nothing',
        target: FIRST_BYTE_TARGET_MS,
      },
      ({ firstByteMs }) => firstByteMs,
    ),
    figure(
      {
        id: 'page_paint',
        title:
          'the page that takes longest from its address to the first paint, median of its loads',
        unit: 'ms',
        limitIs: 'a page of the same server that asks the database nothing',
        target: PAINT_TARGET_MS,
      },
      ({ paintMs }) => paintMs,
    ),
  ];
}

function tell({ name, page, styles, scripts, requests, firstByteMs, paintMs }: Row): string {
  const sizes = `${rounded(page)} + ${rounded(styles)} + ${rounded(scripts)} kB of page, styles, scripts`;
  return `${name}: ${sizes}, ${requests} requests, first byte ${rounded(firstByteMs)} ms, first paint ${rounded(paintMs)} ms`;
}
