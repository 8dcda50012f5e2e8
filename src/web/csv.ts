/** Lists as CSV (RFC 4180) that a spreadsheet opens without running anything. Pure. */

/**
 * What a spreadsheet would run instead of show (OWASP, CSV injection). `+44 7700 …` and a longitude
 * such as `-2.22771` are harmless, and with an apostrophe before them a mended row could not be
 * imported.
 */
const FORMULA = /^(?:[=@\t\r\n＝＠＋－]|[+-](?![\d\s().-]*$))/;

/** Whether a spreadsheet would run a cell instead of showing it. */
export function isFormula(text: string): boolean {
  return FORMULA.test(text);
}

/** Rows as a file; a cell that begins like a formula gets an apostrophe. With the mark Excel reads UTF-8. */
export function csvFile(rows: readonly (readonly string[])[]): string {
  return `\uFEFF${rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')}`;
}

/** One cell: quoted where it has to be, and nothing that a spreadsheet would run. */
export function csvCell(text: string): string {
  const safe = isFormula(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
