/** A command as somebody at a terminal meets it: what it printed, and its exit code. */
import type { Output } from '#cli/output.ts';

export type Ran = { code: number; out: string; err: string };

export async function ran(command: (output: Output) => Promise<number>): Promise<Ran> {
  const printed = { out: '', err: '' };
  const code = await command({
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
  });
  return { code, ...printed };
}
