/**
 * The page on which the code of a mail proves its address (opening it proves nothing), and what
 * anybody may read whose number or address we hold.
 */
import { system } from '#kernel/actor.ts';
import { networkOf } from '#kernel/ip-network.ts';
import type { Refused } from '#kernel/outcome.ts';
import { formModel, page, view, type Form, type Reply, type Route } from '#web/index.ts';
import { proveWithCode } from './proof.ts';
import { parseAddressAndCode, type PublicRoutesContext } from './routes-public.ts';

/** A few people behind one address of their organisation's network. */
const POSTS_PER_MINUTE_MAX = 60;

export function proofRoutes(context: PublicRoutesContext): Route[] {
  const { database, model } = context;
  return [
    page({
      method: 'GET',
      path: '/your-number',
      access: 'public',
      handle: async () =>
        view('responses/your-number.njk', {
          sender: model.sender,
          notice: model.ownDetails.notice,
          helpLine: model.helpLine,
          messagesDays: daysOf(model.retention.messagesMs),
          inboxDays: daysOf(model.retention.inboxMs),
          leftDays: daysOf(model.retention.leftMs),
          notesDays: daysOf(model.retention.notesMs),
        }),
    }),
    page({
      method: 'GET',
      path: '/proof',
      access: 'public',
      handle: async () => proofPage(model.helpLine),
    }),
    page({
      method: 'POST',
      path: '/proof',
      access: 'public',
      perMinuteMax: POSTS_PER_MINUTE_MAX,
      async handle({ form, ip }) {
        const typed = parseAddressAndCode(form, context);
        if (!typed.ok) return proofPage(model.helpLine, { form, refused: typed });
        const networkIndex = context.indexNetwork(networkOf(ip));
        const done = await database.withActor(system('proof page'), (tx) =>
          proveWithCode(tx, { networkIndex, ...typed.value }, { model, host: '' }),
        );
        if (!done.ok) return proofPage(model.helpLine, { form, refused: done });
        return view('responses/proven.njk', {});
      },
    }),
  ];
}

function daysOf(ms: number): number {
  return Math.ceil(ms / 86_400_000);
}

function proofPage(helpLine: string, failed?: { form: Form; refused: Refused }): Reply {
  const { fields = {}, message = '', kind } = failed?.refused ?? {};
  const errors = failed && Object.keys(fields).length === 0 ? { code: message } : fields;
  const status = kind === 'forbidden' ? 429 : failed === undefined ? 200 : 422;
  const form = formModel(['address', 'code'], failed?.form, errors);
  return view('responses/proof.njk', { form, helpLine }, { status });
}
