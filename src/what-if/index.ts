/** The door of what-if: an alert, or a year of them, on a simulated clock. */
export { presets } from './behaviour.ts';
export { figureRows, rehearsalTable } from './csv.ts';
export { imagine, type Subject } from './imagine.ts';
export { fieldNames, parseAsked, type Asked, type Fields } from './parse.ts';
export { whatIfRoutes } from './routes.ts';
export { readDirectory, rehearse, type Side } from './rehearse.ts';
export { readYear, rehearseYears, usualYear, type Year } from './rehearse-year.ts';
export { yearRoutes } from './routes-year.ts';
export { monthTable, yearTable } from './year-table.ts';
