/** Changing the rules: a file is uploaded, a second person reads what it changes, and approves. */
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import { may } from '#kernel/actor.ts';
import { refused, type Outcome, type Refused } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import { findApproval, shaped } from '#identity/index.ts';
import {
  checkOperatingModel,
  diffModels,
  findProposal,
  findWaitingProposal,
  hashOfChange,
  rulesOf,
  type OperatingModel,
  type ProposalRow,
} from '#operating-model/index.ts';
import {
  errorsAt,
  formIdOf,
  formModel,
  many,
  notFound,
  page,
  redirect,
  refusalStatus,
  refusedPage,
  view,
  type Form,
  type Reply,
  type Route,
  type Upload,
} from '#web/index.ts';
import {
  approveModel,
  effectsFor,
  FILE_BYTES_MAX,
  proposeModel,
  returnModel,
  takeBackModel,
} from './actions.ts';
import type { AdoptionContext } from './context.ts';
import { groupChanges } from './grouping.ts';

const idParams = z.object({ id: z.uuid() });

export function proposalRoutes(context: AdoptionContext): Route[] {
  return [...proposingRoutes(context), showRoute(context), ...decidingRoutes(context)];
}

function proposingRoutes({ database, model }: AdoptionContext): Route[] {
  return [
    page({
      method: 'GET',
      path: '/operating-model/propose',
      access: 'model.write',
      async handle({ actor }) {
        const waiting = await database.withActor(actor, findWaitingProposal);
        if (waiting !== undefined) return redirect(`/operating-model/proposals/${waiting.id}`);
        return proposeForm({});
      },
    }),
    page({
      method: 'POST',
      path: '/operating-model/propose',
      access: 'model.write',
      // A file somewhat too large is answered beside its field.
      bodyBytesMax: FILE_BYTES_MAX * 5,
      async handle({ actor, form, files, now }) {
        const yaml = textOf(files['file']);
        if (!yaml.ok) return proposeForm(form, yaml);
        const id = formIdOf(form);
        const done = await database.attempt(actor, (tx) =>
          proposeModel(tx, model, {
            id,
            yaml: yaml.value,
            fileName: files['file']!.name,
            reason: many(form['reason'])[0] ?? '',
            now,
          }),
        );
        if (!done.ok) return proposeForm(form, done);
        const notice = 'Proposed. A second person has to approve it; nothing has changed yet.';
        return redirect(`/operating-model/proposals/${done.value}`, { notice });
      },
    }),
  ];
}

const CHOOSE = 'Choose the file with the new rules';

/** The text of what was uploaded, or why it is none. */
function textOf(upload: Upload | undefined): Outcome<string> {
  const wrong = (file: string) => refused('invalid', 'Put right what is marked below.', { file });
  if (upload === undefined || upload.bytes.length === 0) return wrong(CHOOSE);
  if (upload.bytes.length > FILE_BYTES_MAX)
    return wrong(`At most ${FILE_BYTES_MAX / 1000} kB: this is no file of rules`);
  try {
    return { ok: true, value: new TextDecoder('utf-8', { fatal: true }).decode(upload.bytes) };
  } catch {
    return wrong('This is no text in UTF-8');
  }
}

function proposeForm(typed: Form, why?: Refused): Reply {
  const errors = why === undefined ? {} : errorsAt('file', why);
  const complaints = (errors['file'] ?? '').split('\n');
  // The field says how many, the list below says which: each names a line of the file.
  const isList = complaints.length > 1;
  return view(
    'adoption/propose.njk',
    {
      form: formModel(['file', 'reason'], typed, {
        ...errors,
        ...(isList && { file: complaints[0]!.replace(/:$/, '') }),
      }),
      complaints: isList ? complaints.slice(1) : [],
      formId: formIdOf(typed),
    },
    why === undefined ? {} : { status: refusalStatus(why.kind).status },
  );
}

function showRoute(context: AdoptionContext): Route {
  return page({
    method: 'GET',
    path: '/operating-model/proposals/:id',
    access: 'model.read',
    params: idParams,
    handle: async ({ actor, params: { id } }) => await showProposal(context, actor, { id }),
  });
}

async function showProposal(
  { database, model }: AdoptionContext,
  actor: Actor,
  { id, form, why }: { readonly id: string; readonly form?: Form; readonly why?: Refused },
): Promise<Reply> {
  const found = await database.withActor(actor, async (tx) => {
    const proposal = await findProposal(tx, id);
    return proposal && (await readProposal(tx, proposal, model));
  });
  if (found === undefined) return notFound();
  const { proposal, approval } = found;
  const isMine = actor.kind === 'person' && approval !== undefined && shaped(approval, actor.id);
  return view(
    'adoption/proposal.njk',
    {
      ...found,
      hash: hashOfChange(proposal),
      isMine,
      mayApprove: may(actor, 'model.approve') && !isMine,
      mayTakeBack: may(actor, 'model.write'),
      form: formModel(['reason'], form, why && errorsAt('reason', why)),
    },
    why === undefined ? {} : { status: refusalStatus(why.kind).status },
  );
}

/** The proposal with all that its approver has to know. */
async function readProposal(tx: Tx, proposal: ProposalRow, inForce: OperatingModel) {
  const before = await rulesOf(tx, proposal.base, inForce);
  const { model: after, findings } = checkOperatingModel(proposal.yaml);
  return {
    proposal,
    approval: await findApproval(tx, proposal.approvalId),
    changes: after === undefined ? [] : groupChanges(diffModels(before, after)),
    warnings: [
      ...findings.map(({ line, message }) => `Line ${line}: ${message}.`),
      ...(after === undefined ? [] : (await effectsFor(tx, before, after)).map((one) => one.says)),
    ],
  };
}

function decidingRoutes(context: AdoptionContext): Route[] {
  const { database, model } = context;
  const verb = (
    path: string,
    access: 'model.approve' | 'model.write',
    act: (tx: Tx, call: { id: string; form: Form; now: Date }) => Promise<Outcome<void>>,
    [to, notice]: readonly [string | undefined, string],
  ): Route =>
    page({
      method: 'POST',
      path: `/operating-model/proposals/:id/${path}`,
      access,
      params: idParams,
      async handle({ actor, params: { id }, form, now }) {
        const done = await database.attempt(actor, (tx) => act(tx, { id, form, now }));
        if (done.ok) return redirect(to ?? `/operating-model/proposals/${id}`, { notice });
        if (done.kind === 'invalid')
          return await showProposal(context, actor, { id, form, why: done });
        return refusedPage(done);
      },
    });
  return [
    verb(
      'approve',
      'model.approve',
      async (tx, { id, form, now }) =>
        await approveModel(tx, model, { id, hash: many(form['hash'])[0] ?? '', now }),
      [
        '/operating-model/history',
        'Approved. These rules are in force for all that begins from now on.',
      ],
    ),
    verb(
      'return',
      'model.approve',
      async (tx, { id, form, now }) =>
        await returnModel(tx, { id, reason: many(form['reason'])[0] ?? '', now }),
      [undefined, 'Returned. The rules stay as they were.'],
    ),
    verb(
      'take-back',
      'model.write',
      async (tx, { id, now }) => await takeBackModel(tx, { id, now }),
      ['/operating-model', 'Taken back. The rules stay as they were.'],
    ),
  ];
}
