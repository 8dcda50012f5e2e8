import { ZERO_WIDTH_PATTERN } from './whitespace.ts';

/**
 * What the live service does to the subject of an e-mail: space before a comma or full stop goes,
 * straight quotes curl, hyphens between spaces become en dashes, white space collapses.
 */
export function tidySubject(subject: string): string {
  const quoted = subject.replace(/(?<![ \t])[ \t]+([,.])/g, '$1');
  return curlQuotes(quoted)
    .replace(/(^|\s)\S+@\S+(\s|$)/gm, (address) => address.replace(/[‘’]/g, "'"))
    .replace(/(?<!\s)\s+[-–—]{1,3}\s+/g, ' – ')
    .replace(ZERO_WIDTH_PATTERN, '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .join(' ');
}

/** The common cases of the SmartyPants rules: an opening quote follows a space or a bracket. */
function curlQuotes(text: string): string {
  return text
    .replace(/(^|[\s([{–—-])'(?=\S)/g, '$1‘')
    .replaceAll("'", '’')
    .replace(/(^|[\s([{–—-])"(?=\S)/g, '$1“')
    .replaceAll('"', '”');
}
