/** How long the pages about an alert to ten thousand organisations take to be seen. */
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Database } from '#db/database.ts';
import { openBrowser, type Browser } from '../test/support/browser.ts';
import { approve, contextOf, readModel, submitToEverybody, type Submitted } from './alert.ts';
import { fillDirectory } from './directory.ts';
import { judge, median, rounded, type Measurement } from './figure.ts';
import type { PageAnswer, PageOrder } from './page-player.ts';
import { addAround, measureTable, PAINT_TARGET_MS, readFirstPaint } from './page-table.ts';
import { startPlayer } from './player.ts';
import { openBucket, seedGateway } from './scene.ts';
import type { Stage } from './stage.ts';

const ORGANISATIONS = 10_000;
const REGIONS = 7;
const SYSTEMS = 42;
const LOADS = 15;

export async function measurePages(stage: Stage): Promise<Measurement[]> {
  const database = await stage.freshDatabase();
  const pages = startPlayer<PageAnswer>('page-player.ts');
  try {
    const alert = await makeAlert(stage, database);
    const around = await addAround(stage, database, alert);
    const { origin } = await pages.ask({
      kind: 'start',
      database: database.webConfig,
      sealingKey: stage.sealingKey,
    } satisfies PageOrder);
    return [await measurePaint(origin, alert), ...(await measureTable(origin, around))];
  } finally {
    await pages.stop();
    await database.drop();
  }
}

/** An hour after its release: most have it, half answered, a third of those are affected. */
export async function makeAlert(
  stage: Stage,
  { owner, web }: { owner: Database; web: Database },
): Promise<Submitted> {
  const own = (statement: ReturnType<typeof sql>) =>
    owner.withActor(system('bench'), (tx) => tx.run(statement));
  await seedGateway(owner, openBucket);
  await fillDirectory(owner, stage.sealingKey, undefined, ORGANISATIONS);
  await own(sql`insert into organisations.region (code, name)
    select 'R' || n, 'Region ' || n from generate_series(1, ${REGIONS}) n`);
  await own(sql`insert into organisations.system (code, name)
    select 'S' || n, 'System ' || n from generate_series(1, ${SYSTEMS}) n`);
  await own(sql`update organisations.organisation
    set region_code = 'R' || 1 + numbered.n % ${REGIONS},
      system_code = 'S' || 1 + numbered.n % ${SYSTEMS}
    from (select id, row_number() over (order by id) as n from organisations.organisation) numbered
    where numbered.id = organisation.id`);
  const context = contextOf(await readModel());
  const alert = await submitToEverybody(web, context);
  await approve(web, context, alert);
  await own(sql`update dispatch.message set state = 'delivered', attempt = 1, gateway_id = 'notify',
      accepted_at = now(), final_at = now()
    where dispatch_id = ${alert.dispatchId} and state = 'ready'
      and hashtext(organisation_id::text) % 10 <> 0`);
  await own(sql`
    insert into responses.response
      (alert_id, organisation_id, acknowledged_at, evidence, affected, affected_at)
    select alert_id, organisation_id, now() + random() * interval '1 hour', 'text_with_code',
      case when hashtext(organisation_id::text) % 3 = 0 then 'yes' end,
      case when hashtext(organisation_id::text) % 3 = 0 then now() end
    from alerts.v_recipient
    where alert_id = ${alert.alertId} and hashtext(organisation_id::text) % 2 = 0`);
  return alert;
}

async function measurePaint(origin: string, { alertId }: Submitted): Promise<Measurement> {
  const opened = await openBrowser();
  if (opened.browser === undefined) throw new Error(opened.reason);
  const { browser } = opened;
  try {
    const board = `${origin}/alerts/${alertId}/board`;
    const times = await paints(browser, board);
    const empty = await paints(browser, `${origin}/nothing-is-here`);
    const narrowed = await paints(browser, `${board}?region=R1`);
    return judge({
      id: 'page_board',
      title: `a board of ${ORGANISATIONS} organisations: from the address to its first paint, nothing cached`,
      unit: 'ms',
      value: median(times),
      limit: median(empty),
      limitIs: 'a page of the same server that asks the database nothing',
      target: PAINT_TARGET_MS,
      better: 'less',
      runs: times,
      notes: [`one region of it ${rounded(median(narrowed))} ms`],
    });
  } finally {
    await browser.close();
  }
}

/** First contentful paints, in ms, each in a browser that has seen nothing before. */
async function paints(browser: Browser, address: string): Promise<number[]> {
  const times: number[] = [];
  for (let load = 0; load < LOADS; load += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    await context.addCookies([{ name: 'tocsin', value: newId(), url: address }]);
    const page = await context.newPage();
    await page.goto(address);
    times.push(await readFirstPaint(page));
    await context.close();
  }
  return times;
}
