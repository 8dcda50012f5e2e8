/** Pence with fractions: a fragment costs 2.4p. Sums are rounded to a hundredth of a penny. */
export type Pence = number;

/** What a gateway asks: rates are data of the gateway, never constants in code. */
export type TextPrice = { readonly fragmentPence: Pence; readonly vatPercent: number };

/** The price of `fragments` billed parts, VAT included. */
export function priceOfTexts(fragments: number, price: TextPrice): Pence {
  return rounded(fragments * price.fragmentPence * (1 + price.vatPercent / 100));
}

/** `£86.40`, or `2.88p` below a pound. */
export function formatMoney(pence: Pence): string {
  if (pence < 100) return `${rounded(pence)}p`;
  return new Intl.NumberFormat('en-GB', { style: 'currency', currency: 'GBP' }).format(pence / 100);
}

function rounded(pence: Pence): Pence {
  return Math.round(pence * 100) / 100;
}
