/**
 * The design system without its owner's identity: nhsuk-frontend is for services of the NHS, so
 * logo, typeface and blue must not appear here. Its CSS declares custom properties but reads none
 * (0 `var(` in 10.6.1), so colours are replaced where they are written; the values are in
 * `assets/tocsin.css`. Sass was the other way and would be a build step.
 */

/** From the colour as it is written to the token that replaces it. */
const TOKENS: Readonly<Record<string, string>> = {
  '#005eb8': '--tocsin-brand',
  '#003087': '--tocsin-brand-deep',
  '#002f5c': '--tocsin-brand-deep',
  '#004b93': '--tocsin-brand-dark',
  '#0055a6': '--tocsin-brand-dark',
  '#00478a': '--tocsin-brand-dark',
  '#003d78': '--tocsin-brand-deep',
  '#004281': '--tocsin-brand-dark',
  '#337ec6': '--tocsin-brand-light',
  '#669ed4': '--tocsin-brand-light',
  '#c7dcef': '--tocsin-tint-strong',
  '#ccdff1': '--tocsin-tint-strong',
  '#d9e7f4': '--tocsin-tint',
  '#edf4fa': '--tocsin-tint',
  '#330072': '--tocsin-link-visited',
  '#7c2855': '--tocsin-link-hover',
  '#007f3b': '--tocsin-success',
  '#00662f': '--tocsin-action-hover',
  '#00401e': '--tocsin-action-edge',
  '#d5281b': '--tocsin-alarm',
  '#aa2016': '--tocsin-alarm-dark',
  '#6b140e': '--tocsin-alarm-deep',
  '#f0f4f5': '--tocsin-ground',
  '#212b32': '--tocsin-ink',
};

/** Throws where a new version of nhsuk-frontend brings a font or an address past the filter. */
export function themedCss(css: string): string {
  const themed = css
    .replaceAll(/@font-face\{[^}]*\}/g, '')
    .replaceAll('Frutiger W01,', '')
    .replaceAll(/--nhsuk-[a-z0-9-]*-colour:[^;}]*;?/g, '')
    .replaceAll(/\/\*# sourceMappingURL=[^*]*\*\//g, '')
    .replace(
      'background-color:#007f3b;box-shadow:0 4px 0 #00401e',
      'background-color:var(--tocsin-action);box-shadow:0 4px 0 var(--tocsin-action-edge)',
    )
    .replaceAll(/#[0-9a-f]{6}\b/g, (colour) => {
      const token = TOKENS[colour];
      return token === undefined ? colour : `var(${token})`;
    });
  const foreign = /frutiger|nhs\.uk|@import|https?:\/\//i.exec(themed);
  if (foreign !== null) throw new Error(`nhsuk-frontend CSS still holds "${foreign[0]}"`);
  return themed;
}
