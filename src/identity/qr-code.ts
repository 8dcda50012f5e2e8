/** QR codes as one path of SVG: no script, no style, no picture from elsewhere. */
import { encode } from 'uqr';

export type QrCode = {
  /** Modules on each side, the quiet zone of four included (ISO/IEC 18004). */
  readonly size: number;
  /** For `d` of a path: a unit square for each dark module. */
  readonly path: string;
};

export function qrCode(text: string): QrCode {
  const { data, size } = encode(text, { ecc: 'M', border: 4 });
  const squares = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  return { size, path: squares.join('') };
}
