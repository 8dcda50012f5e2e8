/**
 * Phone numbers as GOV.UK Notify takes them (notifications-utils `phone_number.py`): what it
 * accepts is accepted here, and what it refuses is refused at import, not in the alarm.
 */
import {
  Metadata,
  ParseError,
  parsePhoneNumberWithError,
  type CountryCode,
  type PhoneNumber as Parsed,
} from 'libphonenumber-js/max';
import { ok, refused, type Outcome, type Refused } from './outcome.ts';

export type PhoneNumber = {
  /** Country code and number without a plus: what goes to gateways and into the blind index. */
  readonly e164: string;
  /** Jersey, Guernsey and the Isle of Man are `mobile`: they share the country code 44. */
  readonly kind: 'mobile' | 'landline' | 'international';
  /** For people: `07700 900123`, or `+33 1 22 33 44 55` abroad. */
  readonly national: string;
};

const messages = {
  tooShort: 'Not enough digits',
  tooLong: 'Too many digits',
  character: 'Must not contain letters or symbols',
  invalid: 'Number is not valid – double check the phone number you entered',
  country: 'Not a valid country prefix',
  notMobile: 'Not a UK mobile number',
  abroad: 'Cannot send to international mobile numbers',
} as const;

const SPACE = '\\t-\\r \\u180e\\u200b-\\u200d\\u2060\\ufeff\\u2028\\u2029\\u00a0\\u202f';
const ALLOWED = new RegExp(`^[${SPACE}()+\\-0-9]*$`);

/** White space that libphonenumber does not take for punctuation when it stands inside a number. */
const BREAKING_SPACE = /[\t-\r\u180e\u200c-\u200d\u2028\u2029\u202f\ufeff]/;

/** Country codes that libphonenumber knows and Notify has no price for. */
const countriesWithoutPrice = new Set(
  '247 290 688 800 808 850 870 878 881 882 883 888 979'.split(' '),
);

const landlineTypes = new Set(['FIXED_LINE', 'FIXED_LINE_OR_MOBILE', 'UAN']);
const acceptedTypes = new Set([...landlineTypes, 'MOBILE', 'PERSONAL_NUMBER']);

/**
 * Lengths that work inside a town only, by country code (libphonenumber 9.0.43; the JavaScript port
 * leaves them out). They decide between two messages, and let a few foreign numbers pass.
 */
const localLengths = new Map(
  Object.entries({
    '7': '1 7 58 93 94 218 233 251 261 591 593 966 970 994',
    '6,7': '20 36 51 60 91 234 389 850 855 963 964 977 995',
    '6': '232 260 263 291 378 382 385 387 856 967 975',
    '5,6': '62 86 353 374 996',
    '5': '95 355 375 595 672',
    '4,5': '53 359 381',
    '5,6,7': '92 256 380',
    '8': '98 979',
    '3': '43',
    '4,5,6,8': '44',
    '2,3': '49',
    '7,8': '52',
    '6,7,8': '54',
    '4,7': '57',
    '4,5,7': '63',
    '3,4,7': '82',
    '4': '269',
    '4,5,6': '976',
    '3,5,6,7': '992',
  }).flatMap(([lengths, codes]) =>
    codes.split(' ').map((code) => [code, lengths.split(',').map(Number)] as const),
  ),
);

/**
 * The number that Notify would send to, or the reason it gives. Landlines and foreign numbers are
 * good here, as in Notify's own schema step; `forService` says what a service may then send to.
 */
export function parsePhoneNumber(text: string): Outcome<PhoneNumber> {
  const first = parseOnce(text);
  const result = first.ok ? first : parseOnce(normalised(text));
  if (!result.ok) return result;
  const { parsed, type } = result.value;
  if (countriesWithoutPrice.has(parsed.countryCallingCode)) return no('country');
  const british = parsed.countryCallingCode === '44';
  return ok({
    e164: parsed.number.slice(1),
    kind: british ? britishKind(type) : 'international',
    // Asked for by few: a file of 100,000 numbers is a second quicker without.
    get national() {
      return british ? parsed.formatNational() : parsed.formatInternational();
    },
  });
}

/** Refuses what Notify refuses a service without these permissions; neither is on by default. */
export function forService(
  number: PhoneNumber,
  may: { readonly landline?: boolean; readonly international?: boolean } = {},
): Outcome<PhoneNumber> {
  if (number.kind === 'international' && !may.international) return no('abroad');
  if (number.kind === 'landline' && !may.landline) return no('notMobile');
  return ok(number);
}

/**
 * A number that people ring, spaced as the numbers of contacts are: `0306 999 0012`. Switchboards
 * are kept as a register writes them, and Notify's rules are not for them; what is no number of any
 * plan stays as it stands.
 */
export function spacedNumber(text: string): string {
  const parsed = read(text.replace('(0)', ''), 'GB');
  if (parsed === undefined || !parsed.isPossible()) return text;
  return parsed.countryCallingCode === '44'
    ? parsed.formatNational()
    : parsed.formatInternational();
}

/** What a phone dials: digits, and a plus in front. "+44 (0)20" is not dialled with its nought. */
export function dialled(text: string): string {
  const isInternational = text.trim().startsWith('+');
  const number = isInternational ? text.replace('(0)', '') : text;
  return `${isInternational ? '+' : ''}${number.replaceAll(/\D/g, '')}`;
}

/** For screens: enough to recognise one's own number, not enough to ring it (P12). */
export function maskPhoneNumber(number: Pick<PhoneNumber, 'e164'>): string {
  const { e164 } = number;
  const start = e164.startsWith('44') ? `0${e164.slice(2, 6)}` : `+${e164.slice(0, 4)}`;
  return `${start} ···${e164.slice(-3)}`;
}

function no(reason: keyof typeof messages): Refused {
  return refused('invalid', messages[reason]);
}

function britishKind(type: string): 'mobile' | 'landline' {
  return landlineTypes.has(type) ? 'landline' : 'mobile';
}

/** A number and what it is for, '' where the numbering plan does not say; that takes longest. */
type Typed = { readonly parsed: Parsed; readonly type: string };

function parseOnce(text: string): Outcome<Typed> {
  if (!ALLOWED.test(text)) return no('character');
  if (text === '') return no('tooShort');
  let parsed = readBritish(text);
  if (parsed === undefined) return no('invalid');
  const problem = lengthProblem(parsed);
  if (problem !== undefined) {
    // Spreadsheets drop a leading plus: what is too long for Britain may be a whole foreign number.
    const foreign = read(`+${text}`);
    if (foreign === undefined || !hasPossibleLength(foreign)) return no(problem);
    parsed = foreign;
  }
  // A number of a type is valid: that is how Google's library finds out, with the same patterns.
  const type = parsed.getType() ?? '';
  return acceptedTypes.has(type) || isDramaNumber(parsed) ? ok({ parsed, type }) : no('invalid');
}

/** As a British number unless it says otherwise. */
function readBritish(text: string): Parsed | undefined {
  const number = text
    // No country code begins with 0: the plus is a slip before the 00 of a call abroad.
    .replace(/^[^+\d]*\++(?=00)/, '')
    // Google's library takes the trunk zero off once with the country code and once after it.
    .replace(/^\D*44(\D*)0\D*0/, '44$10');
  return read(number, 'GB');
}

function read(text: string, country?: CountryCode): Parsed | undefined {
  const number = text.replaceAll(/^[^+\d]+|\D+$/g, '');
  if (BREAKING_SPACE.test(number)) return undefined;
  try {
    const options = country === undefined ? {} : { defaultCountry: country };
    return parsePhoneNumberWithError(number, { ...options, extract: false });
  } catch (error) {
    if (error instanceof ParseError) return undefined;
    throw error;
  }
}

/** Here, and only here, Google's library lets the lengths dialled inside a town pass. */
function hasPossibleLength(parsed: Parsed): boolean {
  return lengthProblem(parsed) === undefined || hasLocalLength(parsed);
}

function hasLocalLength(parsed: Parsed): boolean {
  const lengths = localLengths.get(parsed.countryCallingCode);
  return lengths?.includes(parsed.nationalNumber.length) ?? false;
}

/** By the lengths of the main country of a shared code, as Google's library and Notify do it. */
function lengthProblem(parsed: Parsed): 'tooShort' | 'tooLong' | 'invalid' | undefined {
  const lengths = possibleLengths(parsed.countryCallingCode);
  const { length } = parsed.nationalNumber;
  if (lengths.includes(length)) return undefined;
  if (length < Math.min(...lengths) || hasLocalLength(parsed)) return 'tooShort';
  return length > Math.max(...lengths) ? 'tooLong' : 'invalid';
}

const lengthsByCode = new Map<string, readonly number[]>();

function possibleLengths(callingCode: string): readonly number[] {
  const known = lengthsByCode.get(callingCode);
  if (known !== undefined) return known;
  const metadata = new Metadata();
  metadata.selectNumberingPlan(callingCode as CountryCode);
  const lengths = metadata.numberingPlan?.possibleLengths() ?? [];
  lengthsByCode.set(callingCode, lengths);
  return lengths;
}

/**
 * Ofcom's numbers for drama are in no numbering plan. Notify means to let 7700 900000–900999 pass;
 * its pattern really tests 7700 and one more digit, in any country.
 */
function isDramaNumber(parsed: Parsed): boolean {
  return /^7700\d/.test(parsed.nationalNumber.replace(/^0+/, ''));
}

/** Notify's second chance, for `0+44…`, `+07…` and kin: no plus, no leading zeros, ASCII only. */
function normalised(text: string): string {
  return text
    .replaceAll('+', '')
    .replace(/^0+/, '')
    .replaceAll(/[\u180e\u200b-\u200d\u2060\ufeff\u2028\u2029]/g, '')
    .replaceAll(/[\t\u00a0\u202f]/g, ' ')
    .replaceAll(/[\u2011\u2013\u2014\u2212]/g, '-')
    .replaceAll(/[\n-\r]/g, '?');
}
