/** How commands read what they were called with. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Outcome } from '#kernel/outcome.ts';
import type { Output } from './output.ts';

/** 0 done, 1 refused, 2 wrongly called. */
export type ExitCode = 0 | 1 | 2;

export const helpOption = { help: { type: 'boolean', short: 'h', default: false } } as const;

/** The options of every command that prints a result. */
export const resultOptions = { ...helpOption, json: { type: 'boolean', default: false } } as const;

/** `parseArgs`; undefined where a word is not among the options, or lacks its value. */
export function readArguments<const T extends ParseArgsConfig>(args: readonly string[], config: T) {
  try {
    return parseArgs<T>({ ...config, args: [...args] });
  } catch {
    return undefined;
  }
}

/** Runs a command that was understood; help goes to whoever asks for it, or needs it. */
export async function answerCall<Call extends { readonly help: boolean }>(
  call: Call | undefined,
  help: string,
  output: Output,
  run: (call: Call) => Promise<ExitCode>,
): Promise<ExitCode> {
  if (call !== undefined && !call.help) return await run(call);
  (call === undefined ? output.err : output.out)(help);
  return call === undefined ? 2 : 0;
}

/** What a command found or did, for programs and for people. */
export type Answer = { readonly json: unknown; readonly text: string };

/** Prints what came of a call, or why nothing did. */
export function tell(
  done: Outcome<Answer>,
  { json }: { readonly json: boolean },
  output: Output,
): ExitCode {
  if (!done.ok) {
    output.err(`${done.message}\n`);
    return done.kind === 'invalid' ? 2 : 1;
  }
  output.out(json ? `${JSON.stringify(done.value.json)}\n` : done.value.text);
  return 0;
}

/** For commands that take no words: any but a call for help is a mistake, and is named. */
export async function answerBareCall(
  name: string,
  { args, help, output }: { args: readonly string[]; help: string; output: Output },
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  const call = readArguments(args, { options: helpOption })?.values;
  if (call === undefined) output.err(`${name} does not understand ‘${args.join(' ')}’.\n\n`);
  return await answerCall(call, help, output, run);
}
