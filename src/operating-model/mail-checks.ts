/** The mails to contacts about themselves: their blanks, and how many codes may go. */
import type { ModelFile } from './file-schema.ts';
import { error, type Remark } from './findings.ts';
import { blanksOf } from './blanks.ts';

const OWN_BLANKS = { mail: ['sender', 'code', 'help_line'], replaced: ['sender', 'help_line'] };

/** Codes, which any stranger may ask for, must leave room for the answers to a person's own texts. */
export function checkOwnDetails({
  own_details: own,
  passive_replies_per_hour,
}: ModelFile): Remark[] {
  const remarks = (['mail', 'replaced'] as const).flatMap((what) =>
    (['subject', 'body'] as const).flatMap((part) =>
      blanksOf(own[what][part])
        .filter((blank) => !OWN_BLANKS[what].includes(blank))
        .map((blank) => error(['own_details', what, part], `unknown blank {${blank}}`)),
    ),
  );
  if (!blanksOf(own.mail.body).includes('code'))
    remarks.push(error(['own_details', 'mail', 'body'], 'cannot do without {code}'));
  const most = passive_replies_per_hour - 1;
  if (own.codes_per_hour.number > most) {
    const why = `${most} at most: passive_replies_per_hour counts them too`;
    remarks.push(error(['own_details', 'codes_per_hour', 'number'], why));
  }
  return remarks;
}

/** The mail that signs in. */
export function checkCodeMail({ signing_in: { code_mail: mail } }: ModelFile): Remark[] {
  const remarks = (['subject', 'body'] as const).flatMap((part) =>
    blanksOf(mail[part])
      .filter((blank) => !OWN_BLANKS.mail.includes(blank))
      .map((blank) => error(['signing_in', 'code_mail', part], `unknown blank {${blank}}`)),
  );
  if (!blanksOf(mail.body).includes('code'))
    remarks.push(error(['signing_in', 'code_mail', 'body'], 'cannot do without {code}'));
  return remarks;
}

const CHANGED_BLANKS = ['sender', 'what', 'when', 'help_line'];
const NEEDED_IN_CHANGED = ['what', 'help_line'];

/** The notice that an account can be opened in another way: what, and whom to ring. */
export function checkChangedNotice({
  signing_in: { changed_notice: notice },
}: ModelFile): Remark[] {
  const path = ['signing_in', 'changed_notice'];
  const remarks = checkMail(path, notice, { known: CHANGED_BLANKS, needed: NEEDED_IN_CHANGED });
  const blanks = blanksOf(notice.text);
  for (const blank of blanks.filter((one) => !CHANGED_BLANKS.includes(one)))
    remarks.push(error([...path, 'text'], `unknown blank {${blank}}`));
  for (const blank of NEEDED_IN_CHANGED.filter((one) => !blanks.includes(one)))
    remarks.push(error([...path, 'text'], `cannot do without {${blank}}`));
  return remarks;
}

const ATTESTATION_BLANKS = ['sender', 'organisation', 'link', 'code', 'help_line'];

export function checkAttestation({ attestation: { mail } }: ModelFile): Remark[] {
  const blanks = { known: ATTESTATION_BLANKS, needed: ['link', 'code'] };
  return checkMail(['attestation', 'mail'], mail, blanks);
}

/** The first mail to an address: it says who holds it and why. */
export function checkProofMail({ proof_mail: mail }: ModelFile): Remark[] {
  const known = [...ATTESTATION_BLANKS, 'notice'];
  return checkMail(['proof_mail'], mail, { known, needed: ['notice', 'link', 'code'] });
}

function checkMail(
  path: readonly string[],
  mail: ModelFile['proof_mail'],
  { known, needed }: { readonly known: readonly string[]; readonly needed: readonly string[] },
): Remark[] {
  const remarks = (['subject', 'body'] as const).flatMap((part) =>
    blanksOf(mail[part])
      .filter((blank) => !known.includes(blank))
      .map((blank) => error([...path, part], `unknown blank {${blank}}`)),
  );
  for (const blank of needed)
    if (!blanksOf(mail.body).includes(blank))
      remarks.push(error([...path, 'body'], `cannot do without {${blank}}`));
  return remarks;
}
