/**
 * Traffic Light Protocol 2.0 (FIRST, August 2022): labels from open to closed. Written in capitals,
 * without spaces, never translated.
 */
export const markings = ['CLEAR', 'GREEN', 'AMBER', 'AMBER+STRICT', 'RED'] as const;

export type Marking = (typeof markings)[number];

/** Position from open (0) to closed (4); higher is stricter. */
export function strictness(marking: Marking): number {
  return markings.indexOf(marking);
}

/** True where something marked `marking` may go where `ceiling` is the strictest allowed. */
export function within(marking: Marking, ceiling: Marking): boolean {
  return strictness(marking) <= strictness(ceiling);
}

/** The label as it is printed: `TLP:AMBER`. */
export function tlp(marking: Marking): string {
  return `TLP:${marking}`;
}
