/**
 * The demonstration sector: fictional organisations and people in the same files as real ones.
 * Pure and seeded: the same options give the same files, byte for byte. No code has the shape of an
 * ODS code, all mail is under .test, and mobiles come from Ofcom's numbers for drama, so a mistake
 * rings nobody.
 */
import {
  careKinds,
  firstNames,
  lastNames,
  placeEnds,
  placeStarts,
  practiceKinds,
  regionNames,
  streets,
  supplierKinds,
  trustKinds,
} from './demonstration-names.ts';
import { wordsOf, type SectorRules } from './demonstration-words.ts';
import { toCsv } from '../imports/csv.ts';

export type DemonstrationOptions = {
  readonly seed?: number;
  readonly regions?: number;
  readonly systems?: number;
  /** Trusts, and a board for each system. */
  readonly mustAnswer?: number;
  /** All organisations, those that must answer included. */
  readonly organisations?: number;
  /**
   * `drama`: 07700 900000–900999 without the six that Notify treats in a way of their own, given
   * to those who must answer first. `bench`: 07700 000000–999999, for loopback gateways only.
   */
  readonly mobiles?: 'drama' | 'bench';
  /** Contacts of each organisation that need not answer; those that must have three. */
  readonly contactsOfOthers?: number;
  /** In whose names it is told; without them in those of health and care. */
  readonly rules?: SectorRules;
};

export type DemonstrationFiles = { readonly organisations: string; readonly contacts: string };

type Random = () => number;

type Place = { readonly code: string; readonly name: string };

type Organisation = {
  readonly code: string;
  readonly name: string;
  readonly type: string;
  readonly region: Place;
  readonly system: Place;
  /** Code of the board of its system; '' of a board. */
  readonly parent: string;
};

export function demonstrationSector(options: DemonstrationOptions = {}): DemonstrationFiles {
  const random = randomOf(options.seed ?? 1);
  const words = wordsOf(options.rules);
  const organisations = makeOrganisations(options, random);
  return {
    organisations: toCsv([
      'code name type region region_name system system_name telephone parent'.split(' '),
      ...organisations.map(({ code, name, type, region, system, parent }, i) => {
        const telephone = `0306999${String(i % 1000).padStart(4, '0')}`;
        const places = [region.code, region.name, system.code, system.name];
        return [code, name, type, ...places, telephone, parent];
      }),
    ]),
    contacts: toCsv([
      ['organisation_code', 'name', 'kind', 'role', 'rank', 'mobile', 'email'],
      ...makeContacts(organisations, options, random).map((row) => words?.contact(row) ?? row),
    ]),
  };
}

/** The trust of all examples and pictures: it comes first. */
const NORTHMOOR = 'Northmoor';

function makeOrganisations(options: DemonstrationOptions, random: Random): Organisation[] {
  const { mustAnswer = 250, organisations = 2000 } = options;
  const { systems: systemCount = 36 } = options;
  const names = placeStarts.flatMap((start) => placeEnds.map((end) => start + end));
  const shuffledNames = shuffled(names, random).filter((name) => name !== NORTHMOOR);
  const places = shuffledNames.toSpliced(systemCount, 0, NORTHMOOR);
  const regions = Array.from({ length: options.regions ?? 7 }, (_, i) => ({
    code: `ZZ-R${i + 1}`,
    name: regionNames[i] ?? `Region ${i + 1}`,
  }));
  const systems = Array.from({ length: systemCount }, (_, i) => ({
    code: `ZZ-S${String(i + 1).padStart(2, '0')}`,
    name: `${places[2 * i]!} and ${places[2 * i + 1]!}`,
    region: regions[i % regions.length]!,
  }));
  const words = wordsOf(options.rules);
  return Array.from({ length: organisations }, (_, i) => {
    const { region, ...system } = systems[i % systems.length]!;
    const place = places[i % places.length]!;
    const code = codeOf(i);
    if (words !== undefined) {
      const parent = i < systemCount ? '' : codeOf(i % systemCount);
      const common = { code, region, system, parent };
      if (i >= mustAnswer)
        return { ...common, type: words.otherType, name: nameOf('supplier', place, random) };
      const { type, kind } = words.memberAt(i);
      return { ...common, type, name: `${place} ${kind}` };
    }
    if (i < systemCount) {
      const name = `${system.name} Integrated Care Board`;
      return { code, name, type: 'board', region, system, parent: '' };
    }
    const type = i < mustAnswer ? 'trust' : otherType(random);
    const name =
      type === 'trust'
        ? `${place} ${trustKinds[(i - systemCount) % trustKinds.length]!}`
        : nameOf(type, place, random);
    return { code, name, type, region, system, parent: codeOf(i % systemCount) };
  });
}

function codeOf(place: number): string {
  return `ZZ-${String(place + 1).padStart(4, '0')}`;
}

function otherType(random: Random): string {
  const dice = random();
  if (dice < 0.68) return 'practice';
  return dice < 0.94 ? 'care_provider' : 'supplier';
}

function nameOf(type: string, place: string, random: Random): string {
  switch (type) {
    case 'practice':
      return `${random() < 0.5 ? place : pick(streets, random)} ${pick(practiceKinds, random)}`;
    case 'care_provider':
      return `${place} ${pick(careKinds, random)}`;
    default:
      return `${place} ${pick(supplierKinds, random)}`;
  }
}

/** Organisations that must answer and have no mobile on file: real directories have some. */
const MUTE_EVERY = 83;
/** Of those that must answer, how many in a row have one IT service between them, now and then. */
const SHARED_EVERY = 20;
const SHARED_BY = [2, 3, 6, 4];

function makeContacts(
  organisations: readonly Organisation[],
  options: DemonstrationOptions,
  random: Random,
): string[][] {
  const { mustAnswer = 250, contactsOfOthers = 1 } = options;
  const numbers = numbersOf(options.mobiles ?? 'drama');
  const must = organisations.slice(0, mustAnswer);
  const keyContacts = must.flatMap((organisation, i) =>
    keyContactsOf(organisation, i, numbers, random),
  );
  const others = organisations.slice(mustAnswer).flatMap((organisation, i) => {
    // A manager of several practices has one number for all of them.
    const shares = i % 12 === 11;
    return Array.from({ length: contactsOfOthers }, (_, rank) => {
      const mobile = shares && rank === 0 ? numbers.last() : numbers.next();
      return otherContact(organisation, rank, mobile, random);
    });
  });
  return [...keyContacts, ...others];
}

function keyContactsOf(
  organisation: Organisation,
  i: number,
  numbers: Numbers,
  random: Random,
): string[][] {
  const { code } = organisation;
  const isMute = i % MUTE_EVERY === MUTE_EVERY - 1;
  const mobile = () => (isMute ? '' : numbers.next());
  const group = Math.floor(i / SHARED_EVERY);
  const isShared = i % SHARED_EVERY < SHARED_BY[group % SHARED_BY.length]!;
  const onCall = isShared && !isMute ? numbers.shared(`on-call ${group}`) : mobile();
  const third = i % 2 === 0 ? 'cio' : 'siro';
  const post = isShared ? `on-call-${group}@shared-it.test` : `on-call.it@${hostOf(organisation)}`;
  return [
    [code, ...personOf(organisation, 'ciso', '1', random)].toSpliced(5, 0, mobile()),
    [code, 'On-call IT', 'post', 'on_call_it', '2', onCall, post],
    [code, ...personOf(organisation, third, '3', random)].toSpliced(5, 0, mobile()),
  ];
}

function otherContact(
  organisation: Organisation,
  rank: number,
  mobile: string,
  random: Random,
): string[] {
  const role =
    { practice: 'practice_manager', supplier: 'on_call_it' }[organisation.type] ?? 'siro';
  const person = personOf(organisation, role, String(Math.min(rank + 1, 9)), random);
  // Names repeat; within one organisation and role they may not.
  if (rank > 0) person[0] += ` ${rank + 1}`;
  return [organisation.code, ...person].toSpliced(5, 0, mobile);
}

/** Name, kind, role, rank and address. */
function personOf(
  organisation: Organisation,
  role: string,
  rank: string,
  random: Random,
): string[] {
  const [first, last] = [pick(firstNames, random), pick(lastNames, random)];
  const local = `${first}.${last}`
    .normalize('NFD')
    .replaceAll(/[^a-z.]/gi, '')
    .toLowerCase();
  return [`${first} ${last}`, 'person', role, rank, `${local}@${hostOf(organisation)}`];
}

function hostOf(organisation: Organisation): string {
  const word = organisation.name
    .split(' ')[0]!
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '');
  return `${word}-${organisation.code.toLowerCase().slice(3)}.test`;
}

type Numbers = {
  /** '' when none is left: the contact has e-mail only. */
  next(): string;
  /** The one given last, '' when none is left. */
  last(): string;
  /** The same for each call with this name. */
  shared(name: string): string;
};

/** Notify's own test numbers, which behave differently from a phone. */
const NOTIFY_TEST_ENDS = new Set([0, 1, 2, 3, 111, 222].map((end) => 900_000 + end));

function numbersOf(kind: 'drama' | 'bench'): Numbers {
  // The last ten are of the people of the centre (src/main/first-start.ts).
  const [from, to] = kind === 'drama' ? [900_000, 900_989] : [0, 999_999];
  const named = new Map<string, string>();
  let end = from - 1;
  let given = '';
  const next = () => {
    do end += 1;
    while (NOTIFY_TEST_ENDS.has(end));
    given = end > to ? '' : `07700 ${String(end).padStart(6, '0')}`;
    return given;
  };
  return {
    next,
    last: () => given,
    shared: (name) => named.get(name) ?? named.set(name, next()).get(name)!,
  };
}

/** mulberry32: small, seeded, the same on every machine. */
function randomOf(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(values: readonly T[], random: Random): T {
  return values[Math.floor(random() * values.length)]!;
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
