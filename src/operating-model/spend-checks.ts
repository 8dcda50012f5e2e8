/** Caps on what texts may cost that can never say anything, or say the contrary of each other. */
import type { ModelFile } from './file-schema.ts';
import { error, warning, type Remark } from './findings.ts';

/** Severities stand from most to least urgent. */
export function checkSpendCaps({ severities }: ModelFile): Remark[] {
  let before: { readonly label: string; readonly cap: number } | undefined;
  return Object.entries(severities).flatMap(([id, { spend_cap: cap, channels, label }]) => {
    if (cap === undefined) return [];
    const at = ['severities', id, 'spend_cap'];
    if (!channels.includes('text'))
      return [warning(at, `never holds: ${label} goes by ${channels.join(' and ')} alone`)];
    const more = before !== undefined && cap > before.cap ? before : undefined;
    before = { label, cap };
    if (more === undefined) return [];
    return [error(at, `${label} is less urgent than ${more.label}, and may cost more`)];
  });
}
