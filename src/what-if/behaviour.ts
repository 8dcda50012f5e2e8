/**
 * How people answer, as an assumption: a share of those told, and after how long. The draw of a
 * person depends on the seed and on their number or address alone, so that under other rules the
 * same people answer alike, and what differs is the rules. Pure.
 */
import type { Channel } from '#operating-model/index.ts';

export type Answering = {
  /** From 0 to 1: of those who are told, how many ever answer. */
  readonly share: number;
  /** Half of those who answer have by then, in minutes after their message left. */
  readonly medianMinutes: number;
};

export type Behaviour = Readonly<Record<Channel, Answering>>;

export type Preset = { readonly label: string; readonly behaviour: Behaviour };

/** Starting points to change, not findings: the page says so, and prints them. */
export const presets: Readonly<Record<string, Preset>> = {
  working_day: {
    label: 'A working day',
    behaviour: {
      text: { share: 0.7, medianMinutes: 8 },
      mail: { share: 0.3, medianMinutes: 45 },
    },
  },
  night: {
    label: 'The middle of the night',
    behaviour: {
      text: { share: 0.35, medianMinutes: 25 },
      mail: { share: 0.02, medianMinutes: 300 },
    },
  },
  nobody: {
    label: 'Nobody answers',
    behaviour: { text: { share: 0, medianMinutes: 8 }, mail: { share: 0, medianMinutes: 45 } },
  },
};

/** Of the logarithm of the time: nine of ten who answer have by 3.6 times the median. */
const SPREAD = 1;

const MINUTE_MS = 60_000;

/** When somebody answers what came to a number or address, in ms after it left; null: never. */
export function answerAfterMs(
  behaviour: Behaviour,
  seed: number,
  told: { readonly contactPointId: string; readonly channel: Channel },
): number | null {
  const { share, medianMinutes } = behaviour[told.channel];
  const person = hashOf(told.contactPointId, seed);
  if (uniform(person, 1) >= share) return null;
  const normal =
    Math.sqrt(-2 * Math.log(uniform(person, 2))) * Math.cos(2 * Math.PI * uniform(person, 3));
  return Math.round(medianMinutes * MINUTE_MS * Math.exp(SPREAD * normal));
}

/** FNV-1a over the name, begun with the seed. */
function hashOf(name: string, seed: number): number {
  let hash = mixed(0x811c9dc5 ^ seed);
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash;
}

/** Between 0 and 1, never either; the n-th draw of the same hash. */
export function uniform(hash: number, draw: number): number {
  const bits = mixed((hash + Math.imul(draw, 0x9e3779b1)) | 0) >>> 0;
  return (bits + 0.5) / 0x1_0000_0000;
}

/** The last step of MurmurHash3: each bit in changes half of the bits out. */
function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
