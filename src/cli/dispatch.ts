/** `bin/tocsin dispatch`: look at a dispatch, pause it, let it go on, stop it, at a terminal. */
import type { Database, Tx } from '#db/database.ts';
import {
  cancelDispatch,
  findDispatch,
  ledgerCaveat,
  ledgerSentence,
  pauseDispatch,
  readLedger,
  resumeDispatch,
} from '#dispatch/index.ts';
import { system } from '#kernel/actor.ts';
import { ok, refused, type Outcome } from '#kernel/outcome.ts';
import { answerCall, readArguments, resultOptions, type ExitCode } from './call.ts';
import { standard, type Output } from './output.ts';

export const help = `Usage: bin/tocsin dispatch show ID [--json]
       bin/tocsin dispatch pause | resume | cancel ID --reason WHY [--json]

show    What is gone, unknown, waiting and never sent, by organisations and messages.
pause   Nothing more leaves for now.
resume  Goes on after a pause.
cancel  Stops for good: what has not left will not leave.

Each prints the ledger after the act. The id of a dispatch is in the API (GET /api/v1/alerts/ID) and
in the audit. The reason is kept for ever: no numbers and no addresses in it.
`;

export type DispatchContext = { readonly database: Database };

const operator = system('dispatch-command');

const verbs = { pause: pauseDispatch, resume: resumeDispatch, cancel: cancelDispatch } as const;

type Call = {
  readonly verb: 'show' | keyof typeof verbs;
  readonly id: string;
  readonly reason: string;
  readonly json: boolean;
  readonly help: boolean;
};

export async function dispatchCommand(
  context: DispatchContext,
  args: readonly string[],
  output: Output = standard,
): Promise<ExitCode> {
  return await answerCall(readCall(args), help, output, (call) => run(context, call, output));
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readCall(args: readonly string[]): Call | undefined {
  const read = readArguments(args, {
    options: { ...resultOptions, reason: { type: 'string', default: '' } },
    allowPositionals: true,
  });
  if (read === undefined) return undefined;
  const { values, positionals } = read;
  const [verb = 'show', id = '', ...more] = positionals;
  const isKnown = verb === 'show' || Object.hasOwn(verbs, verb);
  const isCall = isKnown && UUID.test(id) && more.length === 0;
  const hasReason = verb === 'show' || values.reason.trim() !== '';
  if (!values.help && !(isCall && hasReason)) return undefined;
  return { ...values, verb: verb as Call['verb'], id, reason: values.reason.trim() };
}

async function run({ database }: DispatchContext, call: Call, output: Output): Promise<ExitCode> {
  const done = await database.attempt(operator, (tx) => act(tx, call));
  if (!done.ok) {
    output.err(`${done.message}\n`);
    return 1;
  }
  const { dispatch, ledger } = await database.withActor(operator, async (tx) => ({
    dispatch: await findDispatch(tx, call.id),
    ledger: await readLedger(tx, call.id),
  }));
  if (call.json) {
    output.out(`${JSON.stringify({ id: call.id, state: dispatch?.state, ledger })}\n`);
    return 0;
  }
  const line = (what: string, counts: (typeof ledger)['messages']) =>
    `${what.padEnd(14)}${counts.total.toLocaleString('en-GB')}: ${ledgerSentence(counts)}\n`;
  output.out(`${dispatch?.label ?? ''}: ${dispatch?.state ?? ''}\n`);
  output.out(line('organisations', ledger.organisations));
  output.out(line('messages', ledger.messages));
  if (!ledger.historyIsWhole) output.out(`${ledgerCaveat}\n`);
  return 0;
}

async function act(tx: Tx, { verb, id, reason }: Call): Promise<Outcome<void>> {
  const found = await findDispatch(tx, id);
  if (found === undefined) return refused('not_found', 'There is no such dispatch.');
  if (verb === 'show') return ok(undefined);
  if (found.state === 'held')
    return refused('conflict', 'It waits for approval and sends nothing: withdraw the alert.');
  return await verbs[verb](tx, { dispatchId: id, reason });
}
