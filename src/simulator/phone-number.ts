import {
  type PhoneNumber,
  parsePhoneNumberWithError,
  validatePhoneNumberLength,
} from 'libphonenumber-js/max';
import { ANY_WHITESPACE, ZERO_WIDTH_PATTERN } from './whitespace.ts';

export type PhoneFault =
  | 'Not enough digits'
  | 'Too many digits'
  | 'Must not contain letters or symbols'
  | 'Number is not valid – double check the phone number you entered'
  | 'Not a valid country prefix';

export type Phone = {
  readonly ok: true;
  /** E.164 without the plus: what providers get and what handsets are keyed by. */
  readonly normalised: string;
  /** The calling code, or calling code and area for a country inside the +1 plan. */
  readonly prefix: string;
  readonly isUk: boolean;
  /** Jersey, Guernsey, Isle of Man: +44, charged as international, needs no permission. */
  readonly isInternational: boolean;
  readonly isUkLandline: boolean;
};

export type PhoneResult = Phone | { readonly ok: false; readonly message: PhoneFault };

const NOT_VALID: PhoneFault = 'Number is not valid – double check the phone number you entered';
const FOREIGN_CHARACTER = new RegExp(`[^0-9()+\\-${ANY_WHITESPACE}]`);
const LANDLINE_TYPES = new Set(['FIXED_LINE', 'FIXED_LINE_OR_MOBILE', 'UAN']);
const ALLOWED_TYPES = new Set([...LANDLINE_TYPES, 'MOBILE', 'PERSONAL_NUMBER']);
/** Without a price: codes of no country (satellite, shared cost) and four small or closed ones. */
const UNPRICED_CODES = new Set('247 290 688 800 808 850 870 878 881 882 883 888 979'.split(' '));
/** Ofcom's drama range, which the library calls invalid and the live service lets through. */
const DRAMA_NUMBER = /^(?:0|44|\+44)(7700\d{6})$/;

const CACHE_LIMIT = 20_000;
const cache = new Map<string, PhoneResult>();

/** Reads a number as the API does: leniently, in two tries, with Britain as the home country. */
export function parsePhoneNumber(written: string): PhoneResult {
  const drama = DRAMA_NUMBER.exec(written);
  if (drama !== null) return ukMobile(`44${drama[1]!}`);
  const known = cache.get(written);
  if (known !== undefined) return known;
  const first = parseOnce(written);
  const result = refuseUnpriced(first.ok ? first : parseOnce(normaliseThoroughly(written)));
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(written, result);
  return result;
}

/** After both tries: a price is asked for only once there is a number. */
function refuseUnpriced(result: PhoneResult): PhoneResult {
  if (!result.ok || !UNPRICED_CODES.has(result.prefix)) return result;
  return { ok: false, message: 'Not a valid country prefix' };
}

function ukMobile(normalised: string): Phone {
  return {
    ok: true,
    normalised,
    prefix: '44',
    isUk: true,
    isInternational: false,
    isUkLandline: false,
  };
}

/** Rescues numbers with a stray plus or zeros in front, such as 0+447700900100. */
function normaliseThoroughly(written: string): string {
  return written
    .replaceAll('+', '')
    .replace(/^0+/, '')
    .replace(ZERO_WIDTH_PATTERN, '')
    .replace(/[\u00a0\u202f\t]/g, ' ')
    .replace(/[\u2011–—−]/g, '-')
    .replace(/[^ -~]/g, '?');
}

function parseOnce(written: string): PhoneResult {
  if (FOREIGN_CHARACTER.test(written)) {
    return { ok: false, message: 'Must not contain letters or symbols' };
  }
  if (written === '') return { ok: false, message: 'Not enough digits' };
  const parsed = parse(written, 'GB');
  if (parsed === null) return lengthFault(written);
  const lengthProblem = possibleLengthFault(parsed);
  if (lengthProblem === null) return describe(parsed);
  // Spreadsheets drop the leading plus: a number impossible here may be one of another country.
  const forced = parse(`+${written.replace(/^\++/, '')}`, undefined);
  if (forced !== null && forced.isPossible()) return describe(forced);
  return { ok: false, message: lengthProblem };
}

function parse(written: string, defaultCountry: 'GB' | undefined): PhoneNumber | null {
  try {
    const visible = written.replace(ZERO_WIDTH_PATTERN, '').trim();
    return parsePhoneNumberWithError(visible, {
      ...(defaultCountry === undefined ? {} : { defaultCountry }),
      extract: false,
    });
  } catch {
    return null;
  }
}

function lengthFault(written: string): PhoneResult {
  const digits = written.replace(/\D/g, '').replace(/^0+/, '');
  if (digits.length > 17) return { ok: false, message: 'Too many digits' };
  if (/^0*\d{2,3}\D*$/.test(written)) return { ok: false, message: 'Not enough digits' };
  return { ok: false, message: NOT_VALID };
}

function possibleLengthFault(number: PhoneNumber): PhoneFault | null {
  switch (validatePhoneNumberLength(number.number)) {
    case undefined:
      return null;
    case 'TOO_LONG':
      return 'Too many digits';
    case 'TOO_SHORT':
      return 'Not enough digits';
    case 'INVALID_COUNTRY':
      return 'Not a valid country prefix';
    default:
      return NOT_VALID;
  }
}

function describe(number: PhoneNumber): PhoneResult {
  const code = number.countryCallingCode;
  const normalised = number.number.slice(1);
  // The live service's pattern is really "7700 and one more digit", so short ones pass too.
  const national = number.nationalNumber.replace(/^0+/, '');
  if (/^7700\d/.test(national) && code === '44') return ukMobile(`44${national}`);
  const type = number.getType();
  if (!number.isValid() || type === undefined || !ALLOWED_TYPES.has(type)) {
    return { ok: false, message: NOT_VALID };
  }
  const isUk = code === '44';
  return {
    ok: true,
    normalised,
    prefix: code === '1' && number.country !== 'US' ? areaPrefix(number) : code,
    isUk,
    isInternational: number.country !== 'GB',
    isUkLandline: isUk && LANDLINE_TYPES.has(type),
  };
}

function areaPrefix(number: PhoneNumber): string {
  return number.country === 'CA' ? '1' : number.number.slice(1, 5);
}
