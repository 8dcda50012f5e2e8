/**
 * The decisions that run in production, gathered: the simulated worker asks only these. A planted
 * bug is this with one of them replaced.
 */
import { classify, notifyStatuses } from '#dispatch/gateways/notify-contract.ts';
import { isRow, nextStep, windowOf } from '#dispatch/breaker.ts';
import { moveOf, opens, outcomeOf } from '#dispatch/inbox.ts';
import { mayStillStart } from '#dispatch/held.ts';
import type { Lease } from '#dispatch/lease.ts';
import { planPages } from '#dispatch/on-pages.ts';
import { planStatuses, planTexts } from '#dispatch/poll.ts';
import { probeTo } from '#dispatch/probe.ts';
import { alarmsOf } from '#dispatch/reconcile.ts';
import {
  afterLookup,
  formatReference,
  lookupGapMs,
  plainCode,
  quietMs,
  type ReceiptMeaning,
} from '#dispatch/model.ts';
import {
  addressUnreadable,
  beforeRequest,
  leaseMsFor,
  pauseAfter,
  settlementOf,
  settlementOfGiveBack,
} from '#dispatch/request.ts';

export const decisions = {
  addressUnreadable,
  afterLookup,
  alarmsOf,
  beforeRequest,
  classify,
  formatReference,
  leaseMsFor,
  isRow,
  lookupGapMs,
  mayStillStart,
  nextStep,
  moveOf,
  opens,
  outcomeOf,
  pauseAfter,
  plainCode,
  planPages,
  planStatuses,
  planTexts,
  probeTo,
  quietMs,
  settlementOf,
  settlementOfGiveBack,
  windowOf,
  meaningOf: (status: string): ReceiptMeaning | undefined => notifyStatuses[status],
  outlasts: (lease: Lease, requestMs: number): boolean => lease.outlasts(requestMs),
};

export type Decisions = typeof decisions;
