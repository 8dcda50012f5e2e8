/** A disk that is nearly full: a write takes what there is room for, and says how much that was. */
import { spawnSync } from 'node:child_process';

/** Runs a module whose files grow to 1 KB (512 bytes in some shells) and no further. */
export function runOnSmallDisk(script: string): { readonly stderr: string } {
  const node = [process.execPath, '--input-type=module', '-e', script];
  return spawnSync('sh', ['-c', 'ulimit -f 1 && exec "$@"', 'sh', ...node], { encoding: 'utf8' });
}
