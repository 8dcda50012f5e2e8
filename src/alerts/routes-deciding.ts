/** One address for an alert: check and submit, approve or return, take back, steer, close. */
import type { Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { cancelDispatch, pauseDispatch, resumeDispatch } from '#dispatch/index.ts';
import { countIn, many, page, redirect, refusedPage, type Form, type Route } from '#web/index.ts';
import { showAlert } from './alert-page.ts';
import { closeAlert } from './close.ts';
import { beginVersion } from './correct.ts';
import { approveAndRelease, returnAlert, withdrawAlert } from './decide.ts';
import { abandonAlert } from './drafts/give-up.ts';
import { takeNextUpdate } from './owed.ts';
import { idParams, type AlertRoutesContext } from './pages.ts';
import { recallAlert, sendAlertNow } from './recall.ts';
import { ledgerOfAlert, steerAlert } from './steer.ts';
import { submitAlert } from './submit.ts';

type Call = { readonly id: string; readonly form: Form; readonly now: Date };

/** A verb behind one button: done, and back to the alert; or the page of the refusal. */
type Verb = {
  readonly path: string;
  readonly access: 'alert.write' | 'alert.approve' | 'dispatch.steer';
  readonly notice: string;
  /** The page after it, below the alert's own. */
  readonly leadsTo?: 'edit';
  /** Sends something, with no second person. */
  readonly fresh?: true;
  /** Says with the notice what is gone, unknown and never sent. */
  readonly showsLedger?: true;
  readonly act: (tx: Tx, call: Call, context: AlertRoutesContext) => Promise<Outcome<unknown>>;
};

const verbs: readonly Verb[] = [
  {
    path: 'submit',
    access: 'alert.write',
    notice: 'Submitted. A second person has to approve it; nothing is sent yet.',
    act: async (tx, { id, form, now }, context) =>
      await submitAlert(tx, context, {
        alertId: id,
        revision: countIn(form ?? {}, 'revision'),
        now,
      }),
  },
  {
    path: 'approve',
    access: 'alert.approve',
    notice: 'Approved and released.',
    act: async (tx, { id, form, now }, context) =>
      await approveAndRelease(tx, context, { alertId: id, hash: field(form, 'hash'), now }),
  },
  {
    path: 'return',
    access: 'alert.approve',
    notice: 'Returned to its author. Nothing was sent.',
    act: async (tx, { id, form, now }) =>
      await returnAlert(tx, { alertId: id, reason: field(form, 'reason'), now }),
  },
  {
    path: 'withdraw',
    access: 'alert.write',
    notice: 'Taken back. It is a draft again; nothing was sent.',
    act: async (tx, { id, now }) => await withdrawAlert(tx, { alertId: id, now }),
  },
  {
    path: 'abandon',
    access: 'alert.write',
    notice: 'The draft was given up. Under “Drafts” it can be taken up again.',
    act: async (tx, { id }) => await abandonAlert(tx, id),
  },
  {
    path: 'close',
    access: 'alert.write',
    notice: 'Closed. Nobody is chased any more.',
    act: async (tx, { id }) => await closeAlert(tx, id),
  },
  {
    path: 'update',
    access: 'alert.write',
    notice:
      'The update begins with the words that are out; those for one kind of reader are written anew. Nothing is sent yet.',
    leadsTo: 'edit',
    act: async (tx, { id }, { model }) =>
      await beginVersion(tx, model, { alertId: id, kind: 'update' }),
  },
  {
    path: 'correct',
    access: 'alert.write',
    notice:
      'The correction begins with the words that are out; those for one kind of reader are written anew. Nothing is sent yet.',
    leadsTo: 'edit',
    act: async (tx, { id }, { model }) =>
      await beginVersion(tx, model, { alertId: id, kind: 'correction' }),
  },
  {
    path: 'next-update',
    access: 'alert.write',
    notice: 'You have the next update now: you are woken before it is due.',
    act: async (tx, { id }) => await takeNextUpdate(tx, id),
  },
  {
    path: 'recall',
    access: 'dispatch.steer',
    notice: 'Recalled. Nothing was sent; it is a draft again.',
    act: async (tx, { id, form }) => await recallAlert(tx, { alertId: id, reason: reasonOf(form) }),
  },
  {
    path: 'send-now',
    access: 'dispatch.steer',
    notice: 'It leaves now.',
    fresh: true,
    act: async (tx, { id }) => await sendAlertNow(tx, id),
  },
  {
    path: 'pause',
    access: 'dispatch.steer',
    notice: 'Paused. What is under way ends within seconds; nothing new leaves.',
    showsLedger: true,
    act: async (tx, call) => await steer(tx, call, pauseDispatch),
  },
  {
    path: 'resume',
    access: 'dispatch.steer',
    notice: 'Going on.',
    showsLedger: true,
    act: async (tx, call) => await steer(tx, call, resumeDispatch),
  },
  {
    path: 'cancel',
    access: 'dispatch.steer',
    notice: 'Stopped for good. What had not left will not leave.',
    showsLedger: true,
    act: async (tx, call) => await steer(tx, call, cancelDispatch),
  },
];

async function steer(
  tx: Tx,
  { id, form }: Call,
  how: typeof pauseDispatch,
): Promise<Outcome<void>> {
  return await steerAlert(tx, { alertId: id, reason: reasonOf(form) }, how);
}

function reasonOf(form: Form): string {
  return field(form, 'reason').trim().slice(0, 500) || 'by hand, from the board';
}

function field(form: Form | undefined, name: string): string {
  return many(form?.[name])[0] ?? '';
}

export function decidingRoutes(context: AlertRoutesContext): Route[] {
  const { database } = context;
  return [
    page({
      method: 'GET',
      path: '/alerts/:id',
      access: 'alert.read',
      params: idParams,
      handle: async ({ actor, params, now }) =>
        await showAlert(context, actor, { id: params.id, now }),
    }),
    ...verbs.map(({ path, access, fresh, notice, leadsTo, showsLedger, act }) =>
      page({
        method: 'POST',
        path: `/alerts/:id/${path}`,
        access,
        fresh,
        params: idParams,
        async handle({ actor, params: { id }, form, now }) {
          const done = await database.attempt(actor, (tx) => act(tx, { id, form, now }, context));
          if (done.ok) {
            if (leadsTo !== undefined) return redirect(`/alerts/${id}/${leadsTo}`, { notice });
            // After the commit: the ledger of a million messages must hold nothing up.
            const ledger = showsLedger
              ? await database.withActor(actor, (tx) => ledgerOfAlert(tx, id))
              : '';
            return redirect(`/alerts/${id}`, { notice: `${notice} ${ledger}`.trim() });
          }
          if (path === 'return')
            return await showAlert(context, actor, { id, refused: done, form, now });
          if (done.kind === 'invalid')
            return await showAlert(context, actor, { id, refused: done, now });
          return refusedPage(done);
        },
      }),
    ),
  ];
}
