/** A stretch of bytes that is one 64-bit word over and over: how a terabyte of zeroes is held in a few bytes. */

export class Fill {
  static readonly zero = new Fill(0, 0);

  /** The word's two halves, unsigned; in the bytes it is big-endian. */
  constructor(
    readonly high: number,
    readonly low: number,
  ) {}

  static of(high: number, low: number): Fill {
    return (high | low) === 0 ? Fill.zero : new Fill(high, low);
  }

  /** Writes the bytes that the stretch has from `offset` on, which counts from the start of some word. */
  writeTo(target: Uint8Array, offset: number): void {
    if ((this.high | this.low) === 0) {
      target.fill(0);
      return;
    }
    const word = Buffer.alloc(16);
    for (const at of [0, 8]) {
      word.writeUInt32BE(this.high, at);
      word.writeUInt32BE(this.low, at + 4);
    }
    const phase = offset % 8;
    Buffer.from(target.buffer, target.byteOffset, target.length).fill(word.subarray(phase, phase + 8));
  }
}
