/** One page: whether sending waits for a replica of the database, and the decision to go on without. */
import { may, type Actor } from '#kernel/actor.ts';
import type { Outcome, Refused } from '#kernel/outcome.ts';
import type { Database, Tx } from '#db/database.ts';
import {
  errorsAt,
  formModel,
  many,
  page,
  redirect,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
} from '#web/index.ts';
import { sendWithoutReplica, waitForReplica } from './replica.ts';
import { readReplica } from './store-replica.ts';

export type ReplicaContext = { readonly database: Database };

export function replicaRoutes({ database }: ReplicaContext): Route[] {
  const show = async (actor: Actor, form: Form = {}, refusal?: Refused): Promise<Reply> => {
    const replica = await database.withActor(actor, readReplica);
    const errors = refusal === undefined ? {} : errorsAt('reason', refusal);
    return view(
      'dispatch/replica.njk',
      {
        replica,
        mayDecide: may(actor, 'dispatch.steer'),
        form: formModel(['reason'], form, errors),
      },
      { status: refusal === undefined ? 200 : 422 },
    );
  };
  const deciding = (
    path: string,
    notice: string,
    verb: (tx: Tx, form: Form) => Promise<Outcome<void>>,
  ) =>
    page({
      method: 'POST',
      path,
      access: 'dispatch.steer',
      async handle({ actor, form }) {
        const done = await database.attempt(actor, (tx) => verb(tx, form));
        if (done.ok) return redirect('/replica', { notice });
        return done.kind === 'invalid' ? await show(actor, form, done) : refusedPage(done);
      },
    });
  return [
    page({
      method: 'GET',
      path: '/replica',
      access: 'alert.read',
      handle: ({ actor }) => show(actor),
    }),
    deciding('/replica/go-on', 'Messages leave without the replica.', (tx, form) =>
      sendWithoutReplica(tx, many(form['reason'])[0] ?? ''),
    ),
    deciding('/replica/wait', 'Sending waits for the replica.', waitForReplica),
  ];
}
