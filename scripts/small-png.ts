/** Pictures of pages with a palette of 256 colours: a third of what the browser writes. */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOURS = 256;

/** Takes 8-bit RGB or RGBA without interlace, as Chromium writes it; what is transparent is lost. */
export function smallPng(png: Buffer): Buffer {
  const parts = partsOf(png);
  const header = parts.find(({ type }) => type === 'IHDR')!.data;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const channels = header[9] === 6 ? 4 : 3;
  const packed = Buffer.concat(parts.filter(({ type }) => type === 'IDAT').map(({ data }) => data));
  const pixels = unfiltered(inflateSync(packed), { width, height, channels });
  return encode({ width, height }, pixels, channels);
}

type Part = { readonly type: string; readonly data: Buffer };

function partsOf(png: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = SIGNATURE.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    parts.push({ type, data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return parts;
}

type Size = { readonly width: number; readonly height: number };

/** Undoes the filters of each row (PNG specification, section 9). */
function unfiltered(raw: Buffer, { width, height, channels }: Size & { channels: number }): Buffer {
  const row = width * channels;
  const out = Buffer.alloc(row * height);
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (row + 1)]!;
    for (let x = 0; x < row; x += 1) {
      const left = x < channels ? 0 : out[y * row + x - channels]!;
      const above = y === 0 ? 0 : out[(y - 1) * row + x]!;
      const corner = x < channels || y === 0 ? 0 : out[(y - 1) * row + x - channels]!;
      const guess = [0, left, above, (left + above) >> 1, paeth(left, above, corner)][filter]!;
      out[y * row + x] = raw[y * (row + 1) + 1 + x]! + guess;
    }
  }
  return out;
}

function paeth(left: number, above: number, corner: number): number {
  const [a, b, c] = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs);
  if (a! <= b! && a! <= c!) return left;
  return b! <= c! ? above : corner;
}

/** The most frequent colours, and which of them stands for each. */
function paletteOf(
  pixels: Buffer,
  channels: number,
): { readonly palette: readonly number[]; readonly indexOf: ReadonlyMap<number, number> } {
  const counts = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += channels) {
    const rgb = pixels.readUIntBE(at, 3);
    counts.set(rgb, (counts.get(rgb) ?? 0) + 1);
  }
  const all = [...counts].toSorted(([, a], [, b]) => b - a).map(([rgb]) => rgb);
  const palette = all.slice(0, COLOURS);
  return { palette, indexOf: new Map(all.map((rgb) => [rgb, nearest(palette, rgb)])) };
}

function nearest(palette: readonly number[], rgb: number): number {
  const distances = palette.map((one) => distance(one, rgb));
  return distances.indexOf(Math.min(...distances));
}

function distance(one: number, other: number): number {
  return [16, 8, 0]
    .map((shift) => ((one >> shift) & 0xff) - ((other >> shift) & 0xff))
    .reduce((sum, difference) => sum + difference * difference, 0);
}

function encode({ width, height }: Size, pixels: Buffer, channels: number): Buffer {
  const { palette, indexOf } = paletteOf(pixels, channels);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const rgb = pixels.readUIntBE((y * width + x) * channels, 3);
      rows[y * (width + 1) + 1 + x] = indexOf.get(rgb)!;
    }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits for each pixel, which name a colour of the palette.
  header.set([8, 3], 8);
  const colours = Buffer.alloc(palette.length * 3);
  for (const [index, rgb] of palette.entries()) colours.writeUIntBE(rgb, index * 3, 3);
  return Buffer.concat([
    SIGNATURE,
    part('IHDR', header),
    part('PLTE', colours),
    part('IDAT', deflateSync(rows, { level: 9 })),
    part('IEND', Buffer.alloc(0)),
  ]);
}

function part(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
