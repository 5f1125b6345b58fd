/** The pixels of a PNG as Chromium writes its screenshots: 8 bits a channel, RGB or RGBA, not interlaced. */
import { inflateSync } from 'node:zlib';

/** Red, green, blue: 0 to 255 each. */
export type Rgb = readonly [number, number, number];

export class Picture {
  readonly #channels: number;
  readonly #bytes: Uint8Array;

  /** @param bytes rows of pixels from the top, without gaps */
  constructor(
    readonly width: number,
    readonly height: number,
    bytes: Uint8Array,
  ) {
    this.#channels = bytes.length / (width * height);
    this.#bytes = bytes;
  }

  /** The colour at CSS pixels from the upper left corner. */
  at(x: number, y: number): Rgb {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) {
      throw new RangeError(`(${x}, ${y}) is outside of ${this.width} × ${this.height}`);
    }
    const first = (Math.floor(y) * this.width + Math.floor(x)) * this.#channels;
    return [this.#bytes[first]!, this.#bytes[first + 1]!, this.#bytes[first + 2]!];
  }

  /** The different colours, as `#rrggbb`, with their numbers of pixels. */
  colours(): Map<string, number> {
    const counts = new Map<string, number>();
    for (let first = 0; first < this.#bytes.length; first += this.#channels) {
      const colour = `#${Buffer.from(this.#bytes.subarray(first, first + 3)).toString('hex')}`;
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    return counts;
  }
}

const SIGNATURE_BYTES = 8;

/** @throws {Error} where it is not such a PNG */
export function readPng(png: Buffer): Picture {
  let width = 0;
  let height = 0;
  let channels = 0;
  const data: Buffer[] = [];
  for (let at = SIGNATURE_BYTES; at < png.length; at += png.readUInt32BE(at) + 12) {
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    if (type === 'IHDR') {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      channels = body[9] === 2 ? 3 : 4;
      if (body[8] !== 8 || (body[9] !== 2 && body[9] !== 6) || body[12] !== 0)
        throw new Error('not such a PNG');
    }
    if (type === 'IDAT') data.push(body);
  }
  return new Picture(
    width,
    height,
    unfilter(inflateSync(Buffer.concat(data)), height, width * channels, channels),
  );
}

/** Takes back the filters of PNG, "9.2 Filter types for filter method 0". */
function unfilter(filtered: Buffer, height: number, rowBytes: number, pixelBytes: number): Uint8Array {
  const bytes = new Uint8Array(height * rowBytes);
  for (let row = 0; row < height; row++) {
    const from = row * (rowBytes + 1);
    const to = row * rowBytes;
    const filter = filtered[from];
    for (let column = 0; column < rowBytes; column++) {
      const left = column >= pixelBytes ? bytes[to + column - pixelBytes]! : 0;
      const up = row > 0 ? bytes[to + column - rowBytes]! : 0;
      const upLeft = row > 0 && column >= pixelBytes ? bytes[to + column - rowBytes - pixelBytes]! : 0;
      bytes[to + column] = filtered[from + 1 + column]! + predicted(filter, left, up, upLeft);
    }
  }
  return bytes;
}

function predicted(filter: number | undefined, left: number, up: number, upLeft: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4:
      return paeth(left, up, upLeft);
    default:
      return 0;
  }
}

function paeth(left: number, up: number, upLeft: number): number {
  const estimate = left + up - upLeft;
  const toLeft = Math.abs(estimate - left);
  const toUp = Math.abs(estimate - up);
  const toUpLeft = Math.abs(estimate - upLeft);
  if (toLeft <= toUp && toLeft <= toUpLeft) return left;
  return toUp <= toUpLeft ? up : upLeft;
}
