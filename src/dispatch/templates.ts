/**
 * Reads the provider's own frame around our messages and remembers it on the gateway's row: an edit
 * there would change every text after it was approved. What is found is audited when it changes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { system } from '#kernel/actor.ts';
import type { Database } from '#db/database.ts';
import type { Log } from '#log.ts';
import { record } from '#audit/index.ts';
import { pauseDispatch } from './actions.ts';
import type { Gateway } from './gateways/gateway.ts';
import { markGatewayFailed, markTemplateRead, pinTemplate } from './store-gateway.ts';

export type TemplateOptions = {
  readonly database: Database;
  readonly gateways: readonly Gateway[];
  readonly log: Log;
};

/** Reads the template of each gateway that has one. */
export async function readTemplates(options: TemplateOptions): Promise<void> {
  await Promise.all(options.gateways.map((gateway) => readTemplateOf(gateway, options)));
}

async function readTemplateOf(
  gateway: Gateway,
  { database, log }: Omit<TemplateOptions, 'gateways'>,
): Promise<void> {
  const reading = await gateway.readTemplate?.();
  if (reading === undefined || reading.answer === 'cannot_tell') return;
  const gatewayId = gateway.id;
  if (reading.answer === 'missing') {
    // Its sends are held back by the gateway itself; whoever watches is told why.
    log.error('dispatch.template_missing', { gateway: gatewayId });
    await database.withActor(system('dispatch'), (tx) =>
      markGatewayFailed(tx, gatewayId, 'no_pass_through_template'),
    );
    return;
  }
  const { id, version } = reading.template;
  await database.withActor(system('dispatch'), async (tx) => {
    if (!(await pinTemplate(tx, gatewayId, reading.template))) {
      await markTemplateRead(tx, gatewayId);
      return;
    }
    await record(tx, {
      action: 'gateway.template_pinned',
      subject: { kind: 'gateway', id: gatewayId },
      detail: { templateId: id, version },
    });
  });
}

export type ContentGuard = {
  readonly database: Database;
  readonly gateway: Gateway;
  readonly log: Log;
};

/** A provider that does not say so soon is not waited for: what it sends is compared all the same. */
const READING_MS = 2_000;
/** Nor for longer where lives hang on it (answers, alerts, escalation): most answer in a tenth. */
const READING_LIVE_MS = 300;
const ROUTINE = 3;
/** A dispatch of which nothing was claimed for so long is over, or begins anew. */
const FORGET_MS = 600_000;

/**
 * Reads the template of a gateway again before the first message of each dispatch leaves by it. The
 * answer to a first request tells of other words too, but then a whole window of them is out.
 */
export class TemplateCheck {
  #guard: ContentGuard;
  /** The dispatches that have begun, and when something of them was last claimed. */
  #claimedAt = new Map<string, number>();

  constructor(guard: ContentGuard) {
    this.#guard = guard;
  }

  /**
   * Resolves when what was claimed of this dispatch may leave, or the provider was waited for;
   * undefined where it may at once. `now` is on a monotonic clock, in ms.
   */
  before(
    { dispatchId, lane }: { readonly dispatchId: string; readonly lane: number },
    now = performance.now(),
  ): Promise<void> | undefined {
    const { gateway, ...others } = this.#guard;
    for (const [id, claimedAt] of this.#claimedAt)
      if (now - claimedAt > FORGET_MS) this.#claimedAt.delete(id);
    const isBegun = this.#claimedAt.has(dispatchId);
    this.#claimedAt.set(dispatchId, now);
    if (isBegun || gateway.readTemplate === undefined) return undefined;
    const reading = readTemplateOf(gateway, others).catch((error: unknown) =>
      others.log.error('dispatch.loop_failed', { error, part: 'template' }),
    );
    const waitMs = lane < ROUTINE ? READING_LIVE_MS : READING_MS;
    return Promise.race([reading, delay(waitMs, undefined, { ref: false })]);
  }
}

/**
 * What leaves is not what was approved: the dispatch stops until a person has looked (P5). Said
 * again by a request that was on its way, or by another worker, it changes nothing.
 */
export async function pauseForContent(
  { database, gateway, log }: ContentGuard,
  dispatchId: string,
): Promise<void> {
  log.error('dispatch.content_differs', { gateway: gateway.id, dispatchId });
  const reason = `The provider sends other words than were approved (gateway ${gateway.id}). Look at its template, then resume.`;
  try {
    await database.withActor(system('dispatch'), async (tx) => {
      await markGatewayFailed(tx, gateway.id, 'content_differs');
      await pauseDispatch(tx, { dispatchId, reason });
    });
  } catch (error) {
    log.error('dispatch.pause_failed', { gateway: gateway.id, error });
  }
}
