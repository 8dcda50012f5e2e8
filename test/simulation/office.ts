/**
 * Everybody around the workers: who plans, releases and steers, who answers, and the callbacks of
 * providers. Each act is a transaction of `src/dispatch/actions.ts`, tried again where the
 * connection was lost, because nobody can know whether it happened.
 */
import type { Correction } from './corrections.ts';
import type { Decisions } from './decisions.ts';
import type { Callback } from './forger.ts';
import type { Entry } from './provider.ts';
import { keepQuiet, readyPart } from './rounds.ts';
import type { PlannedDispatch } from './dispatches.ts';
import type { OfficerAct } from './scenario.ts';
import type { Evidence } from './evidence.ts';
import type { Twin } from './twin/index.ts';
import type { Base } from './twin/rows.ts';
import { ConnectionLost, Host, transact, wait, type Steps, type World } from './world.ts';

const RECEIPT_ASKS_MS = [120_000, 300_000, 600_000];
const CANCEL_MAX = 20_000;
/** From a pause by the engine to the person who resumes. */
const LOOK_MS = 20_000;
const RETRY_MS = 700;
const TRIES_MAX = 500;
const ANSWERS_PER_HOUR = 3;
const REPLIES_MAX = 100;
/** How often somebody looks at what is uncertain. */
const RISK_LOOK_MS = 25_000;

const steerings = {
  pause: { from: ['sending'], to: 'paused' },
  resume: { from: ['paused'], to: 'sending' },
  cancel: { from: ['held', 'sending', 'paused'], to: 'cancelled' },
} as const;

export class Office {
  /** Until then somebody is still to act. */
  busyUntilMs: number;
  #world: World;
  #twin: Twin;
  #decisions: Decisions;
  #evidence: Evidence;
  #host: Host;

  constructor(world: World, engine: { twin: Twin; decisions: Decisions }, evidence: Evidence) {
    const { dispatches, acts, correction, faults } = evidence.scenario;
    this.#world = world;
    this.#twin = engine.twin;
    this.#decisions = engine.decisions;
    this.#evidence = evidence;
    this.#host = new Host('office', () => world.now, true);
    const times = [
      ...dispatches.map((d) => d.releaseAtMs).filter(Number.isFinite),
      ...acts.map((a) => a.atMs),
      correction?.atMs ?? 0,
      ...faults.map((f) => f.atMs),
    ];
    this.busyUntilMs = Math.max(...times) + 1;
  }

  /** Plans everything, lets each dispatch go at its time, and steers. */
  open(): void {
    const { acts, correction, dispatches, takesRisks } = this.#evidence.scenario;
    this.#start(this.#steer(acts));
    for (const dispatch of dispatches) {
      this.#plan(this.#world.base, dispatch);
      if (dispatch.releaseAtMs < Infinity)
        this.#world.at(dispatch.releaseAtMs, () => this.#start(this.#release(dispatch)));
    }
    if (correction !== undefined) this.#start(this.#correct(correction));
    if (takesRisks) this.#start(this.#takeRisks());
  }

  /** One officer, one act after the other. */
  *#steer(acts: readonly OfficerAct[]): Steps<void> {
    for (const act of acts) {
      yield* wait(Math.max(0, act.atMs - this.#world.now));
      yield* this.#surely(`${act.kind}s ${act.dispatchId.slice(0, 4)}`, (base) => {
        const { from, to } = steerings[act.kind];
        const { dispatchId: id } = act;
        const reason = to === 'paused' ? 'asked for' : null;
        if (to === 'sending') {
          this.#twin.postponeRounds(base, id);
          keepQuiet(this.#twin, base, id);
        }
        if (!this.#twin.moveDispatch(base, { id, from, to, reason })) return;
        if (to === 'cancelled') this.#twin.cancelUnsent(base, id, CANCEL_MAX);
        if (to === 'sending') this.#twin.notifyDispatch(base, id);
        else this.#twin.notifyHalt(base, id);
        this.#note(id, to);
      });
    }
  }

  /** The engine paused a dispatch because of refusals: a person looks at it, and goes on. */
  noticePause(dispatchId: string): void {
    this.#note(dispatchId, 'paused');
    const atMs = this.#world.now + LOOK_MS;
    this.busyUntilMs = Math.max(this.busyUntilMs, atMs + 1);
    this.#start(this.#steer([{ atMs, kind: 'resume', dispatchId }]));
  }

  /** The database came back without its last moments: a person looks until it may go on. */
  noticeLoss(): void {
    for (const { id, state } of this.#world.base.tables.dispatch.values()) this.#note(id, state);
    this.#start(this.#letGoOn());
  }

  *#letGoOn(): Steps<void> {
    let isWhole = false;
    while (!isWhole) {
      yield* wait(LOOK_MS);
      isWhole = (yield* this.#surely('looks at the history', (b) => this.#resumeAfter(b))) ?? false;
    }
    this.busyUntilMs = Math.max(this.busyUntilMs, this.#world.now + LOOK_MS);
    yield* this.#repeatActs();
    this.dealWithReplies();
  }

  /** `src/dispatch/resume.ts`: what may have left and cannot be asked for counts as sent. */
  #resumeAfter(base: Base): boolean {
    const twin = this.#twin;
    const { heldReason, isProven, isLookedAt } = twin.readContinuity(base);
    if (heldReason === null) return isProven;
    if (!isLookedAt) return false;
    twin.closeInDoubt(base, 'treat_as_sent');
    if (!twin.endHold(base, 'refuse')) return false;
    twin.raiseEpochs(base);
    twin.cancelAllSettled(base);
    twin.notifyAnswers(base);
    const { losses, attempts } = this.#evidence;
    for (const loss of losses) loss.goneOnAfter ??= attempts.length;
    return true;
  }

  /** Resumptions and releases that were lost; not where something may have left unknown to all. */
  *#repeatActs(): Steps<void> {
    const { scenario, released } = this.#evidence;
    for (const dispatch of scenario.dispatches) {
      const { state } = this.#world.base.tables.dispatch.get(dispatch.id)!;
      const atMs = this.#world.now;
      if (state === 'paused')
        yield* this.#steer([{ atMs, kind: 'resume', dispatchId: dispatch.id }]);
      const hasList = !scenario.hasSecond || scenario.secondCanBeAsked;
      const isText = dispatch.messages.every(({ channel }) => channel === 'text');
      if (state === 'held' && released.has(dispatch.id) && isText && hasList)
        yield* this.#release(dispatch);
    }
  }

  #note(dispatchId: string, to: string): void {
    const { steering, attempts } = this.#evidence;
    steering.push({ dispatchId, to, after: attempts.length, at: this.#world.now });
  }

  /** A call of a gateway's door: kept where it may be believed, and later applied by a worker. */
  receive({ gatewayId, token, ...receipt }: Callback): void {
    const { status, reference } = receipt;
    this.#start(
      this.#surely(`hears ${status} of ${reference}`, (base) => {
        const door = this.#twin.findGatewayDoor(base, gatewayId);
        if (door === undefined || !this.#decisions.opens(door, token)) return;
        if (this.#decisions.meaningOf(status) === undefined) return;
        this.#twin.insertReceipts(base, gatewayId, [receipt]);
      }),
    );
  }

  /** Somebody texts back: their organisations need nothing more of this dispatch (P7). */
  answer(entry: Entry): void {
    if (this.#findPlanned(entry.messageId) === undefined) return;
    const what = `is answered for ${entry.messageId.slice(0, 4)}`;
    this.#start(this.#sealed(what, (base) => this.#settle(base, entry.messageId)));
  }

  /** Texts that were asked for (`src/responses/replies.ts`). */
  dealWithReplies(): void {
    this.#start(
      this.#sealed('deals with texts', (base) => {
        const replies = this.#twin.lockWaitingReplies(base, { most: REPLIES_MAX, except: [] });
        for (const { contentSealed } of replies) this.#settle(base, contentSealed.toString());
        const ids = replies.map(({ id }) => id);
        this.#twin.markRepliesHandled(base, ids);
      }),
    );
  }

  #settle(base: Base, messageId: string): void {
    const planned = this.#findPlanned(messageId);
    if (planned === undefined) return;
    const { dispatchId, contactPointId, code, addressSealed } = planned.message;
    const settled = { dispatchId, organisationIds: planned.organisationIds };
    this.#twin.lockLaterRounds(base, settled);
    this.#twin.markSettled(base, settled);
    this.#twin.cancelSettled(base, settled);
    this.#evidence.answered.push({ ...settled, after: this.#evidence.attempts.length });
    const because = { rule: 'texts.after_reply', version: '0'.repeat(64), fact: 'answered' };
    const thanks = {
      contactPointId,
      because,
      gatewayId: 'notify',
      code,
      addressSealed,
      body: 'Thanks',
    };
    const text = { ...thanks, id: base.newId(), perHourMax: ANSWERS_PER_HOUR };
    if (this.#twin.insertSingleMessages(base, [text]) > 0) this.#twin.notifyAnswers(base);
  }

  #findPlanned(messageId: string) {
    for (const { messages, credits } of this.#evidence.scenario.dispatches) {
      const message = messages.find(({ id }) => id === messageId);
      if (message === undefined) continue;
      const organisationIds = [message.organisationId!, ...(credits.get(messageId) ?? [])];
      return { message, organisationIds };
    }
    return undefined;
  }

  #plan(base: Base, dispatch: PlannedDispatch): void {
    const { id, lane, exercise, expiresAfterMs, rounds } = dispatch;
    const waits = { receiptAsksMs: RECEIPT_ASKS_MS, uncertainAfterMs: dispatch.uncertainAfterMs };
    this.#twin.insertDispatch(base, {
      id,
      label: 'Alert',
      lane,
      exercise,
      expiresAfterMs,
      rounds,
      quietHours: dispatch.quietHours,
      ...waits,
    });
    for (const message of dispatch.messages) base.addMessage(message);
    for (const [messageId, organisations] of dispatch.credits)
      base.tables.credit.set(messageId, new Set(organisations));
  }

  *#release(dispatch: PlannedDispatch): Steps<void> {
    const { id } = dispatch;
    const hash = yield* this.#seal(id);
    if (dispatch.isEditedLate) {
      const [first] = dispatch.messages;
      const late = { ...first!, id: this.#world.random.uuid(), contactPointId: first!.id };
      yield* this.#surely('adds a message late', (base) => base.addMessage(late));
    }
    yield* this.#surely(`releases ${id.slice(0, 4)}`, (base) => {
      this.#twin.lockDispatch(base, id);
      if (this.#twin.hashContent(base, id, '').hash === hash) this.#letGo(base, id, hash);
    });
  }

  *#seal(id: string): Steps<string> {
    const hash = yield* this.#surely(`seals ${id.slice(0, 4)}`, (base) => {
      const content = this.#twin.hashContent(base, id, '');
      this.#twin.setContent(base, id, content);
      return content.hash;
    });
    this.#evidence.approved.set(id, hash ?? '');
    return hash ?? '';
  }

  #letGo(base: Base, id: string, hash: string): void {
    const twin = this.#twin;
    if (!twin.markReleased(base, id, hash)) return;
    this.#note(id, 'sending');
    twin.startRounds(base, id);
    keepQuiet(twin, base, id);
    if (twin.markRoundOpened(base, id, 1)) readyPart(twin, base, { dispatchId: id, round: 1 });
    twin.notifyDispatch(base, id);
    if (!this.#evidence.released.has(id)) this.#evidence.released.set(id, this.#world.now);
  }

  /** `src/dispatch/correct.ts`: both wordings go in the moment in which the earlier one is over. */
  *#correct(correction: Correction): Steps<void> {
    const { atMs, earlierId, correctionId, firstId } = correction;
    const twin = this.#twin;
    const ids = [correctionId, firstId];
    const hashes = [yield* this.#seal(correctionId), yield* this.#seal(firstId)];
    yield* wait(Math.max(0, atMs - this.#world.now));
    let isRefused = true;
    const release = (base: Base) => {
      for (const id of ids) twin.lockDispatch(base, id);
      const { heldReason, isSameServer, isProven } = twin.readContinuity(base);
      isRefused = heldReason !== null || !isSameServer || !isProven;
      if (isRefused) return;
      const isSame = ids.every((id, i) => twin.hashContent(base, id, '').hash === hashes[i]);
      const stateOf = (id: string) => twin.findDispatch(base, id)?.state;
      if (!isSame || stateOf(earlierId) === 'held' || stateOf(firstId) !== 'held') return;
      const over = { from: ['sending', 'paused'], to: 'cancelled', reason: null } as const;
      if (twin.moveDispatch(base, { id: earlierId, ...over })) {
        twin.stopRounds(base, earlierId);
        twin.notifyHalt(base, earlierId);
        this.#note(earlierId, 'cancelled');
      }
      twin.callOffAll(base, [earlierId]);
      twin.chooseWordings(base, { earlierIds: [earlierId], correctionId, firstId });
      ids.forEach((id, i) => this.#letGo(base, id, hashes[i]!));
      this.#evidence.corrected.push(correction);
    };
    while (true) {
      yield* this.#surely(`corrects ${earlierId.slice(0, 4)}`, release);
      if (!isRefused) return;
      yield* wait(RETRY_MS);
    }
  }

  /** An officer who has what is uncertain sent again (`src/dispatch/uncertain.ts`). */
  *#takeRisks(): Steps<void> {
    for (;;) {
      yield* wait(RISK_LOOK_MS);
      for (const { id: dispatchId } of this.#evidence.scenario.dispatches)
        yield* this.#surely(`looks at the uncertain of ${dispatchId.slice(0, 4)}`, (base) => {
          if (this.#twin.listUncertain(base, dispatchId).length === 0) return;
          const by = { decidedBy: 'an officer', reason: 'nobody knows' };
          this.#twin.insertRiskDecision(base, { dispatchId, ...by });
          this.#evidence.risked.push({ dispatchId, at: base.now });
          this.#twin.notifyDispatch(base, dispatchId);
        });
    }
  }

  #start(steps: Steps<unknown>): void {
    this.#world.start(this.#host, steps);
  }

  /** What seals a number fails without its key: whoever called calls again. */
  *#sealed(label: string, run: (base: Base) => void): Steps<void> {
    while (this.#world.areKeysAway) yield* wait(RETRY_MS);
    yield* this.#surely(label, run);
  }

  /** Until it is known to have happened. */
  *#surely<T>(label: string, run: (base: Base) => T): Steps<T | undefined> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        return yield* transact(label, run);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        yield* wait(RETRY_MS);
      }
    }
    return undefined;
  }
}
