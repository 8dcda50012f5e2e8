/**
 * The table of moves against the database: each statement, and each trigger that moves a message by
 * itself, is tried on a message in each state. What they make must stand in `moves`, and every move
 * must be made by some of them.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  putInState,
  rehearse,
  release,
  rowsOf,
  seedNotify,
  type Row,
} from '../../test/support/dispatch.ts';
import { listStateSetters } from '../../test/support/state-setters.ts';
import { moves, states, type AttemptClass, type MessageState } from './model.ts';
import { insertSingleMessages, type SingleMessage } from './store-answer.ts';
import { adoptLost } from './store-continuity.ts';
import { callOffAll, chooseWordings, skipTold } from './store-correct.ts';
import { applyReceipts } from './store-inbox.ts';
import { cancelUnsent, moveDispatch } from './store-plan.ts';
import { readyMessages } from './store-rounds.ts';
import { cancelAllSettled, cancelSettled, markSettled } from './store-settled.ts';
import {
  adoptMessages,
  claimChecks,
  requeueMessages,
  setNextChecks,
  setNextReceiptAsks,
} from './store-check.ts';
import { markRecalled, stopRounds } from './store-recall.ts';
import { closeInDoubt } from './store-resume.ts';
import { spaceMessages } from './store-space.ts';
import { suppressStopped } from './store-stopped.ts';
import { applyRiskDecisions, insertRiskDecision, readyDeputies } from './store-uncertain.ts';
import {
  cancelLeftovers,
  claimMessages,
  endDispatches,
  expireLeases,
  expireMessages,
  settleMessages,
} from './store-send.ts';

const all = Object.keys(states) as MessageState[];
const OWNER = newId();

describe('every statement on every state', () => {
  let db: Clone;
  let dispatchId: string;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
    dispatchId = await makeDispatch(db.owner, {
      messages: all.length,
      laterRoundsMs: [3_600_000],
    });
    await release(db.web, dispatchId);
    await db.owner.withActor(system('test'), async (tx) => {
      // By contact point: else it is chance in which states the two messages of one number are.
      const rows = await tx.rows<{ id: string }>(sql`select id from dispatch.message
        where dispatch_id = ${dispatchId} order by round, contact_point_id`);
      for (const [i, { id }] of rows.entries())
        await putInState(tx, id, all[i % all.length]!, { owner: OWNER });
    });
  });

  after(async () => {
    await db.drop();
  });

  /** What a statement makes of a message in each state, as `from to to`. */
  async function movesOf(act: (tx: Tx, rows: Row[]) => Promise<unknown>): Promise<string[]> {
    return await rehearse(db.owner, async (tx) => {
      const rows = await rowsOf(tx, dispatchId);
      await act(tx, rows);
      const later = new Map((await rowsOf(tx, dispatchId)).map((row) => [row.id, row]));
      return rows.flatMap(({ id, state }) =>
        later.get(id)!.state === state ? [] : [`${state} to ${later.get(id)!.state}`],
      );
    });
  }

  const cancel = (tx: Tx) =>
    moveDispatch(tx, { id: dispatchId, from: ['sending'], to: 'cancelled', reason: null });
  const stopAll = (tx: Tx) =>
    tx.run(sql`insert into dispatch.stopped (contact_point_id)
      select distinct contact_point_id from dispatch.message`);
  const allIds = async (tx: Tx) => (await rowsOf(tx, dispatchId)).map(({ id }) => id);
  const answerAll = async (tx: Tx, rows: Row[]) => {
    const organisationIds = await tx.rows<{ id: string }>(sql`
      select organisation_id as id from dispatch.v_credit
      where message_id = any(${rows.map((row) => row.id)}::uuid[])`);
    const settled = { dispatchId, organisationIds: organisationIds.map(({ id }) => id) };
    await markSettled(tx, settled);
    return settled;
  };
  const settle = (tx: Tx, rows: Row[], end: AttemptClass) =>
    settleMessages(
      tx,
      OWNER,
      rows.map(({ id }) => ({
        id,
        epoch: 1,
        attempt: 1,
        class: end,
        code: end === 'accepted' ? null : 'test',
        providerId: end === 'accepted' ? newId() : null,
        againInMs: 0,
      })),
    );
  const receive = (tx: Tx, rows: Row[], to: 'delivered' | 'undelivered') =>
    applyReceipts(
      tx,
      rows.map(({ id }) => ({
        gatewayId: 'notify',
        messageId: id,
        attempt: 1,
        providerId: newId(),
        to,
      })),
    );
  const claim = (tx: Tx) =>
    claimMessages(tx, {
      gatewayId: 'notify',
      channel: 'text',
      owner: newId(),
      leaseMs: 60_000,
      most: 100,
    });
  const findLost = (tx: Tx, rows: Row[], status: string) =>
    adoptLost(
      tx,
      'notify',
      rows.map(({ id }) => ({ messageId: id, attempt: 2, providerId: 'p', status })),
    );
  const first = (rows: Row[]) => rows.map(({ id }) => ({ id, attempt: 1 }));

  const riskCopies = (tx: Tx, rows: Row[]) =>
    tx.run(sql`
      with decision as (
        insert into dispatch.risk_decision (dispatch_id, decided_by, reason)
        values (${dispatchId}, 'somebody', 'test') returning id
      )
      insert into dispatch.risk_taken (message_id, attempt, decision_id)
      select message.id, 1, decision.id from dispatch.message message, decision
      where message.id = any(${rows.map(({ id }) => id)}::uuid[])`);

  /** Every exported statement that touches messages, and what exactly it may make. */
  const statements: Record<
    string,
    {
      of: (tx: Tx, ...rest: never[]) => Promise<unknown>;
      /** The trigger's function that makes another state of what the statement wrote. */
      through?: string;
      act: (tx: Tx, rows: Row[]) => Promise<unknown>;
      makes: string[];
    }
  > = {
    claim: { of: claimMessages, act: claim, makes: ['ready to claimed'] },
    'settle accepted': {
      of: settleMessages,
      act: (tx, rows) => settle(tx, rows, 'accepted'),
      makes: ['claimed to accepted'],
    },
    'settle rejected': {
      of: settleMessages,
      act: (tx, rows) => settle(tx, rows, 'rejected'),
      makes: ['claimed to rejected'],
    },
    'settle not sent': {
      of: settleMessages,
      act: (tx, rows) => settle(tx, rows, 'not_sent'),
      makes: ['claimed to ready'],
    },
    'settle not sent, called off': {
      of: settleMessages,
      act: async (tx, rows) => {
        await cancel(tx);
        await settle(tx, rows, 'not_sent');
      },
      makes: ['claimed to cancelled'],
    },
    'settle unknown': {
      of: settleMessages,
      act: (tx, rows) => settle(tx, rows, 'unknown'),
      makes: ['claimed to unknown'],
    },
    'receipt delivered': {
      of: applyReceipts,
      act: (tx, rows) => receive(tx, rows, 'delivered'),
      makes: ['ready', 'claimed', 'unknown', 'accepted', 'undelivered', 'uncertain_closed'].map(
        (from) => `${from} to delivered`,
      ),
    },
    'receipt undelivered': {
      of: applyReceipts,
      act: (tx, rows) => receive(tx, rows, 'undelivered'),
      makes: ['ready', 'claimed', 'unknown', 'accepted', 'uncertain_closed'].map(
        (from) => `${from} to undelivered`,
      ),
    },
    'lease ends': {
      of: expireLeases,
      act: async (tx) => {
        await tx.run(sql`update dispatch.message set lease_until = now() - interval '1 second'
          where lease_until is not null`);
        await expireLeases(tx, 35_000);
      },
      makes: ['claimed to unknown'],
    },
    'lease stands': { of: expireLeases, act: (tx) => expireLeases(tx, 35_000), makes: [] },
    'too old': {
      of: expireMessages,
      act: async (tx) => {
        await tx.run(sql`update dispatch.message set expires_at = now()`);
        await expireMessages(tx);
      },
      makes: ['ready to expired', 'unknown to uncertain_closed'],
    },
    'young enough': { of: expireMessages, act: (tx) => expireMessages(tx), makes: [] },
    'too old to claim': {
      of: claimMessages,
      act: async (tx) => {
        await tx.run(sql`update dispatch.message set expires_at = now()`);
        await claim(tx);
      },
      makes: [],
    },
    checks: {
      of: claimChecks,
      act: async (tx) => {
        await tx.run(sql`update dispatch.message set check_at = now() where check_at is not null`);
        await claimChecks(tx, { gatewayIds: ['notify'], gapMs: 15_000, most: 50 });
      },
      makes: [],
    },
    adopt: {
      of: adoptMessages,
      act: (tx, rows) =>
        adoptMessages(
          tx,
          rows.map(({ id }) => ({ id, attempt: 1, foundAttempt: 1, providerId: 'p' })),
        ),
      makes: ['unknown to accepted'],
    },
    requeue: {
      of: requeueMessages,
      act: (tx, rows) => requeueMessages(tx, first(rows)),
      makes: ['unknown to ready'],
    },
    'requeue, called off': {
      of: requeueMessages,
      act: async (tx, rows) => {
        await cancel(tx);
        await requeueMessages(tx, first(rows));
      },
      makes: ['unknown to cancelled'],
    },
    'next check': {
      of: setNextChecks,
      act: (tx, rows) =>
        setNextChecks(
          tx,
          first(rows).map((asked) => ({ ...asked, inMs: 1, absences: 1 })),
        ),
      makes: [],
    },
    'next question for a receipt': {
      of: setNextReceiptAsks,
      act: (tx, rows) => setNextReceiptAsks(tx, first(rows)),
      makes: [],
    },
    'found sent after a restore': {
      of: adoptLost,
      act: (tx, rows) => findLost(tx, rows, 'sending'),
      makes: ['held', 'ready', 'claimed', 'unknown'].map((from) => `${from} to accepted`),
    },
    'found created after a restore': {
      of: adoptLost,
      act: (tx, rows) => findLost(tx, rows, 'created'),
      makes: ['held to accepted', 'ready to unknown', 'claimed to unknown'],
    },
    'nobody can say after a restore': {
      of: closeInDoubt,
      act: async (tx) => {
        await tx.run(sql`update dispatch.round set opens_at = now()`);
        await closeInDoubt(tx, 'treat_as_sent');
      },
      makes: ['held', 'ready', 'claimed', 'unknown'].map((from) => `${from} to uncertain_closed`),
    },
    'a copy risked': {
      of: applyRiskDecisions,
      act: async (tx) => {
        await tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '1 hour'`);
        await insertRiskDecision(tx, { dispatchId, decidedBy: 'somebody', reason: 'test' });
        await applyRiskDecisions(tx);
      },
      makes: ['unknown to ready'],
    },
    'refused for good, a copy was risked': {
      of: settleMessages,
      through: 'keep_in_doubt',
      act: async (tx, rows) => {
        await riskCopies(tx, rows);
        await settle(tx, rows, 'rejected');
      },
      makes: ['claimed to uncertain_closed'],
    },
    'called off, a copy was risked': {
      of: cancelUnsent,
      through: 'keep_in_doubt',
      act: async (tx, rows) => {
        await riskCopies(tx, rows);
        await cancelUnsent(tx, dispatchId, 100);
      },
      makes: ['held to uncertain_closed', 'ready to uncertain_closed'],
    },
    'the next in line': {
      of: readyDeputies,
      act: async (tx) => {
        await tx.run(sql`update dispatch.attempt set claimed_at = now() - interval '1 hour'`);
        // All of one organisation, which has nothing else.
        await tx.run(sql`update dispatch.message set organisation_id = ${newId()}
          where dispatch_id = ${dispatchId} and state in ('held', 'unknown')`);
        await readyDeputies(tx, dispatchId);
      },
      makes: ['held to ready'],
    },
    'open round': {
      of: readyMessages,
      act: async (tx) => {
        await readyMessages(tx, await allIds(tx));
      },
      makes: ['held to ready'],
    },
    'its number has its share': {
      of: spaceMessages,
      act: async (tx) => {
        await tx.run(sql`update dispatch.dispatch set number_most = 1, number_within = '1 hour'
          where id = ${dispatchId}`);
        await tx.run(sql`update dispatch.round set opened_at = now()
          where dispatch_id = ${dispatchId}`);
        await tx.run(sql`update dispatch.message set expires_at = now() + interval '1 minute'
          where dispatch_id = ${dispatchId}`);
        await spaceMessages(tx, { dispatchId, ids: await allIds(tx) });
      },
      makes: ['ready to suppressed'],
    },
    'nothing goes to its address': {
      of: suppressStopped,
      act: async (tx) => {
        await stopAll(tx);
        await suppressStopped(tx);
      },
      makes: ['held to suppressed', 'ready to suppressed'],
    },
    'written for where nothing goes': {
      of: insertSingleMessages,
      through: 'suppress_stopped',
      act: async (tx, rows) => {
        await stopAll(tx);
        const point = await tx.one<Pick<SingleMessage, 'contactPointId' | 'addressSealed'>>(
          sql`select contact_point_id, address_sealed from dispatch.message where id = ${rows[0]!.id}`,
        );
        const because = { rule: 'proof_mail', version: '0'.repeat(64), fact: 'asked for' };
        const told = { id: newId(), code: '0000', body: 'x', because, gatewayId: null };
        await insertSingleMessages(tx, [{ ...point, ...told, perHourMax: 9 }]);
        assert.deepEqual(
          await tx.one(sql`select state, failure_code from dispatch.message where id = ${told.id}`),
          { state: 'suppressed', failureCode: 'cut_off' },
        );
      },
      makes: [],
    },
    'settle not sent and requeue, nothing goes there': {
      of: settleMessages,
      act: async (tx, rows) => {
        await stopAll(tx);
        await settle(tx, rows, 'not_sent');
        await requeueMessages(tx, first(rows));
      },
      makes: ['claimed to cancelled', 'unknown to cancelled'],
    },
    cancel: {
      of: cancelUnsent,
      act: (tx) => cancelUnsent(tx, dispatchId, 100),
      makes: ['held to cancelled', 'ready to cancelled'],
    },
    'stand down': {
      of: cancelSettled,
      act: async (tx, rows) => await cancelSettled(tx, await answerAll(tx, rows)),
      makes: ['held to cancelled', 'ready to cancelled'],
    },
    'stand down, once history is whole': {
      of: cancelAllSettled,
      act: async (tx, rows) => {
        await answerAll(tx, rows);
        await cancelAllSettled(tx);
      },
      makes: ['held to cancelled', 'ready to cancelled'],
    },
    'left over': {
      of: cancelLeftovers,
      act: async (tx) => {
        await cancel(tx);
        await cancelLeftovers(tx, 100);
      },
      makes: ['held to cancelled', 'ready to cancelled'],
    },
    'recalled before anything left': {
      of: markRecalled,
      act: async (tx) => {
        await tx.run(sql`update dispatch.round set opened_at = null
          where dispatch_id = ${dispatchId}`);
        await stopRounds(tx, dispatchId);
        assert.ok(await markRecalled(tx, dispatchId));
        await cancelUnsent(tx, dispatchId, 100);
      },
      makes: ['held to cancelled', 'ready to cancelled'],
    },
    corrected: {
      of: callOffAll,
      act: (tx) => callOffAll(tx, [dispatchId]),
      makes: ['held to cancelled', 'ready to cancelled'],
    },
    'a correction for whoever had nothing': {
      of: chooseWordings,
      act: (tx) =>
        chooseWordings(tx, { earlierIds: [], correctionId: dispatchId, firstId: newId() }),
      makes: ['held to cancelled'],
    },
    'a first alert for whoever was told': {
      of: chooseWordings,
      act: (tx) =>
        chooseWordings(tx, {
          earlierIds: [dispatchId],
          correctionId: newId(),
          firstId: dispatchId,
        }),
      makes: ['held to cancelled'],
    },
    'a later round for whoever was told': {
      of: skipTold,
      act: (tx) => skipTold(tx, { earlierIds: [dispatchId], firstId: dispatchId }),
      makes: ['held to cancelled'],
    },
    'nothing left over': { of: cancelLeftovers, act: (tx) => cancelLeftovers(tx, 100), makes: [] },
    end: { of: endDispatches, act: (tx) => endDispatches(tx), makes: [] },
  };

  const made = new Set<string>();
  for (const [name, { act, makes }] of Object.entries(statements)) {
    it(name, async () => {
      const found = new Set(await movesOf(act));
      assert.deepEqual([...found].sort(), [...makes].sort());
      for (const move of found) made.add(move);
    });
  }

  it('every statement and trigger that sets the state of a message is among them', async () => {
    const listed = new Set(
      Object.values(statements).flatMap(({ of, through = of.name }) => [of.name, through]),
    );
    const found = listStateSetters();
    for (const name of ['claimMessages', 'expireLeases', 'keep_in_doubt'])
      assert.ok(found.includes(name), name);
    assert.deepEqual(
      found.filter((name) => !listed.has(name)),
      [],
    );
  });

  it('what they make together is the table', () => {
    const legal = all.flatMap((from) => moves[from].map((to) => `${from} to ${to}`));
    assert.deepEqual([...made].sort(), legal.sort());
  });

  it('an answered organisation is not told again by what was on its way (P7)', async () => {
    const late = async (tx: Tx, rows: Row[]) => {
      await answerAll(tx, rows);
      await settle(tx, rows, 'not_sent');
      await requeueMessages(tx, first(rows));
    };
    assert.deepEqual((await movesOf(late)).sort(), [
      'claimed to cancelled',
      'claimed to ready',
      'unknown to cancelled',
      'unknown to ready',
    ]);
  });
});
