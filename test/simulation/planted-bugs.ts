/**
 * Bugs planted on purpose: what runs in production with one statement or decision replaced by one
 * that somebody might have written. The simulation must find each, or it proves nothing.
 */
import type { Listed } from '#dispatch/listing.ts';
import type { Asked } from '#dispatch/store-check.ts';
import type { ReceiptMove } from '#dispatch/store-inbox.ts';
import type { Settlement } from '#dispatch/store-send.ts';
import { decisions } from './decisions.ts';
import type { Engine } from './run.ts';
import { applyReceipt } from './twin/inbox.ts';
import { twin, type Twin } from './twin/index.ts';
import { cancelAnswered } from './twin/settled.ts';
import { endAttempt, settleOne } from './twin/send.ts';
import { keyOf, type Base } from './twin/rows.ts';
import { wholeHistory } from './twin/server.ts';

type Planted = {
  readonly what: string;
  /** Seen where nothing else breaks: what is late elsewhere may be late with good reason. */
  readonly isCalm?: true;
  /** The first seed that is tried, where those before show nothing and take long. */
  readonly from?: number;
  readonly twin?: Partial<Twin>;
  readonly decisions?: Partial<typeof decisions>;
};

/** Settles whatever row the result names, whoever has it by now. */
function settleUnfenced(base: Base, _owner: string, batch: readonly Settlement[]): string[] {
  return batch.flatMap((result) => {
    const message = base.tables.message.get(result.id);
    if (message === undefined || message.state === 'held') return [];
    settleOne(base, message, result);
    endAttempt(base, result);
    return [message.id];
  });
}

function requeueWithoutAsking(base: Base, absent: readonly Asked[]): string[] {
  return absent.flatMap(({ id, attempt }) => {
    const message = base.tables.message.get(id);
    if (message?.state !== 'unknown' || message.attempt !== attempt) return [];
    base.update(message, { state: 'ready', dueAt: base.now, checkAt: null, absences: 0 });
    return [id];
  });
}

/** As if what was asked had been asked of the attempt that is the newest now. */
function ofNewest<One extends Asked>(base: Base, asked: readonly One[]): One[] {
  return asked.map((one) => ({
    ...one,
    attempt: base.tables.message.get(one.id)?.attempt ?? one.attempt,
  }));
}

/** As if the gateway that was asked for this attempt had said it. */
function ofAsked(base: Base, receipt: ReceiptMove): ReceiptMove {
  const asked = base.attemptsOf(receipt.messageId).find((a) => a.number === receipt.attempt);
  return asked === undefined ? receipt : { ...receipt, gatewayId: asked.gatewayId };
}

/** As if every dispatch had this deadline for what is unknown. */
function withDeadlines<T>(base: Base, uncertainAfter: number, run: (base: Base) => T): T {
  const dispatches = [...base.tables.dispatch.values()];
  const before = dispatches.map((dispatch) => dispatch.uncertainAfter);
  for (const dispatch of dispatches) dispatch.uncertainAfter = uncertainAfter;
  const result = run(base);
  dispatches.forEach((dispatch, i) => (dispatch.uncertainAfter = before[i]!));
  return result;
}

/** As if nothing had been lost, whatever is known of it. */
function asIfWhole<T>(base: Base, act: () => T): T {
  const kept = base.tables.continuity.get('history')!;
  base.tables.continuity.set('history', wholeHistory(base.server));
  const result = act();
  base.tables.continuity.set('history', kept);
  return result;
}

type Page = readonly Listed[] | undefined;

/** The same plan, told something else of the pages than what came; `before`: the page before. */
function* answered<Step extends { kind: string }, Result>(
  plan: Generator<Step, Result, Page>,
  tell: (page: Page, before: Page) => Page,
): Generator<Step, Result, Page> {
  let before: Page;
  let step = plan.next();
  while (step.done !== true) {
    const page = yield step.value;
    const told = step.value.kind === 'ask' ? tell(page, before) : undefined;
    if (told !== undefined) before = told;
    step = plan.next(told);
  }
  return step.value;
}

const planted: readonly Planted[] = [
  { what: 'a settlement without a fence', twin: { settleMessages: settleUnfenced } },
  {
    what: 'an ended lease goes back in line at once',
    twin: {
      expireLeases: (base) => {
        const ended = [...base.tables.message.values()].filter(
          (m) => m.state === 'claimed' && m.leaseUntil! < base.now,
        );
        const back = { state: 'ready', leaseOwner: null, leaseUntil: null } as const;
        for (const message of ended) base.update(message, { ...back, dueAt: base.now });
        return ended.map(({ id, state }) => ({ id, state }));
      },
    },
  },
  { what: 'no quiet period before a look-up', decisions: { quietMs: 0 } },
  {
    what: 'the lease is not checked',
    decisions: { outlasts: () => true, mayStillStart: () => true },
  },
  {
    what: 'a receipt moves a message back',
    twin: {
      applyReceipts: (base, receipts) =>
        receipts.flatMap((receipt) => {
          const message = base.tables.message.get(receipt.messageId);
          const fits = message?.attempt === receipt.attempt && message.attempt > 0;
          if (!fits) return [];
          const { id, state } = applyReceipt(base, message, receipt);
          return [{ id, state }];
        }),
    },
  },
  {
    what: 'one absence is enough',
    decisions: {
      afterLookup: (found, before) =>
        found.answer === 'absent' ? { kind: 'requeue' } : decisions.afterLookup(found, before),
    },
  },
  {
    what: 'an unknown is tried again at once',
    decisions: {
      settlementOf: (key, result, quietMs) => {
        const settlement = decisions.settlementOf(key, result, quietMs);
        return settlement.class === 'unknown' ? { ...settlement, class: 'not_sent' } : settlement;
      },
    },
  },
  {
    what: 'an error of the server counts as not sent',
    decisions: {
      classify: (answer) =>
        answer.status >= 500
          ? { class: 'not_sent', code: String(answer.status) }
          : decisions.classify(answer),
    },
  },
  {
    what: 'the reference does not name the attempt',
    decisions: {
      formatReference: (reference) => decisions.formatReference({ ...reference, attempt: 1 }),
    },
  },
  {
    what: 'standing down calls off round 1',
    twin: { cancelSettled: (base, settled) => cancelAnswered(base, settled, 1) },
  },
  {
    what: 'a claim spends one token for the whole batch',
    twin: {
      claimMessages: (base, request) => {
        const claimed = twin.claimMessages(base, request);
        const bucket = base.tables.bucket.get(
          base.tables.gateway.get(request.gatewayId)!.bucketId,
        )!;
        bucket.tokens += Math.max(0, claimed.length - 1);
        return claimed;
      },
    },
  },
  {
    what: 'what comes back is not asked whether it is still needed',
    twin: { requeueMessages: requeueWithoutAsking },
  },
  {
    what: 'the end of a later attempt forgets that one was believed absent',
    twin: {
      settleMessages: (base, owner, batch) => {
        const settled = twin.settleMessages(base, owner, batch);
        for (const id of settled)
          base.update(base.tables.message.get(id)!, { absentGatewayId: null });
        return settled;
      },
    },
  },
  {
    what: 'found as created is adopted',
    decisions: {
      afterLookup: (found, before) =>
        found.answer === 'found'
          ? { kind: 'adopt', providerId: found.providerId }
          : decisions.afterLookup(found, before),
    },
  },
  {
    what: 'a claim takes from a dispatch that stands still',
    from: 130,
    twin: {
      claimMessages: (base, request) => {
        const paused = [...base.tables.dispatch.values()].filter((d) => d.state === 'paused');
        for (const dispatch of paused) dispatch.state = 'sending';
        const claimed = twin.claimMessages(base, request);
        for (const dispatch of paused) dispatch.state = 'paused';
        return claimed;
      },
    },
  },
  {
    what: 'a look-up speaks for the next attempt too',
    twin: {
      adoptMessages: (base, adoptions) => twin.adoptMessages(base, ofNewest(base, adoptions)),
      requeueMessages: (base, absent) => twin.requeueMessages(base, ofNewest(base, absent)),
    },
  },
  {
    what: 'a dispatch ends while messages are unknown',
    twin: {
      endDispatches: (base) => {
        const unknown = [...base.tables.message.values()].filter((m) => m.state === 'unknown');
        for (const message of unknown) message.state = 'accepted';
        const ended = twin.endDispatches(base);
        for (const message of unknown) message.state = 'unknown';
        return ended;
      },
    },
  },
  {
    what: 'sending goes on after lost history before it was read',
    twin: {
      claimMessages: (base, request) => asIfWhole(base, () => twin.claimMessages(base, request)),
    },
  },
  {
    what: 'what may have left in the lost time is called off as never sent',
    twin: {
      cancelUnsent: (base, id, most) => asIfWhole(base, () => twin.cancelUnsent(base, id, most)),
      cancelSettled: (base, settled) => asIfWhole(base, () => twin.cancelSettled(base, settled)),
    },
  },
  {
    what: 'what the provider has and the database lost is not adopted',
    twin: { adoptLost: () => [] },
  },
  {
    what: 'a list with texts that the database does not know counts as whole',
    twin: { findUnknownReferences: () => [] },
  },
  { what: 'a callback is believed without its token', decisions: { opens: () => true } },
  {
    what: 'any gateway may say what became of a text',
    twin: {
      applyReceipts: (base, receipts) =>
        twin.applyReceipts(
          base,
          receipts.map((receipt) => ofAsked(base, receipt)),
        ),
    },
  },
  {
    what: 'a correction goes only where the text was accepted',
    twin: {
      chooseWordings: (base, choice) => {
        const open = choice.earlierIds
          .flatMap((id) => base.messagesOf(id))
          .filter(({ state }) => state === 'claimed' || state === 'unknown')
          .map((message) => ({ message, state: message.state }));
        for (const { message } of open) message.state = 'rejected';
        const chosen = twin.chooseWordings(base, choice);
        for (const { message, state } of open) message.state = state;
        return chosen;
      },
    },
  },
  {
    what: 'a risk is taken of what is not past its deadline',
    twin: {
      applyRiskDecisions: (base) => withDeadlines(base, -3_600_000, twin.applyRiskDecisions),
    },
  },
  {
    what: 'deputies are told as soon as anything is unknown',
    twin: {
      listWaitingDeputies: (base) => withDeadlines(base, 0, twin.listWaitingDeputies),
      readyDeputies: (base, id) => withDeadlines(base, 0, () => twin.readyDeputies(base, id)),
    },
  },
  {
    what: 'a page that broke off proves absence',
    decisions: {
      planPages: (request) =>
        answered(decisions.planPages(request), (page, before) => page ?? before),
    },
  },
  {
    what: 'a page is empty because a text was deleted, and counts as the end',
    from: 410,
    decisions: {
      planPages: (request) =>
        answered(decisions.planPages(request), (page, before) =>
          page?.length === 0 ? before : page,
        ),
    },
  },
  {
    what: 'pages are read back without a margin for clocks',
    from: 150,
    decisions: { planPages: (request) => decisions.planPages({ ...request, marginMs: 0 }) },
  },
  {
    what: 'a probe is counted as a request of a dispatch',
    twin: {
      insertTally: (base, gatewayId, rows) => {
        const [sending] = [...base.tables.dispatch.values()].filter((d) => d.lane > 0);
        const counted = rows.map((row) => ({
          ...row,
          dispatchId: row.dispatchId ?? sending?.id ?? null,
        }));
        twin.insertTally(base, gatewayId, counted);
      },
    },
  },
  {
    what: 'a probe is not claimed: every worker sends one, again and again',
    twin: {
      claimProbe: (base, { gatewayId }) => {
        const breaker = twin.readBreaker(base, gatewayId);
        return breaker?.probeIsDue === true ? breaker.turn : undefined;
      },
    },
  },
  {
    what: 'a probe has the reference of an attempt',
    decisions: {
      probeTo: ({ id, address }, probing, now) => ({
        ...decisions.probeTo({ id, address }, probing, now),
        reference: decisions.formatReference({
          installation: id,
          messageId: id,
          epoch: 1,
          attempt: 1,
        }),
      }),
    },
  },
  {
    what: 'a text is kept once for each time that a page shows it',
    twin: {
      insertReplies: (base, gatewayId, replies) => {
        for (const reply of replies) twin.insertReplies(base, `${gatewayId} ${base.now}`, [reply]);
        return replies.length;
      },
    },
  },
  {
    what: 'a page without news ends a poll',
    isCalm: true,
    decisions: {
      planStatuses: (turn) =>
        answered(decisions.planStatuses(turn), (page) =>
          page?.some(({ status }) => status !== 'sending' && status !== 'created') === true
            ? page
            : [],
        ),
    },
  },
  {
    what: 'a poll keeps its turn when it is done',
    isCalm: true,
    twin: {
      finishPoll: (base, done) => {
        const { leaseUntil } = base.tables.poll.get(keyOf(done.gatewayId, done.what))!;
        twin.finishPoll(base, done);
        base.tables.poll.get(keyOf(done.gatewayId, done.what))!.leaseUntil = leaseUntil;
      },
    },
  },
  {
    what: 'a round that is late opens in the night that began meanwhile',
    twin: {
      // Without those that are due: what was laid out once is trusted.
      listQuietTimes: (base, id) =>
        twin.listQuietTimes(base, id).filter(({ opensAt }) => opensAt.getTime() > base.now),
    },
  },
];

type PlantedBug = Pick<Planted, 'what'> & {
  readonly isCalm: boolean;
  readonly from: number;
  readonly engine: Engine;
};

export const plantedBugs: readonly PlantedBug[] = planted.map((bug) => ({
  what: bug.what,
  isCalm: bug.isCalm === true,
  from: bug.from ?? 1,
  engine: {
    twin: { ...twin, ...bug.twin },
    decisions: { ...decisions, ...bug.decisions },
  },
}));
