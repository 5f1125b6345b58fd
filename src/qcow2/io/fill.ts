/**
 * A stretch of bytes that a rule makes: one 64-bit word over and over, or words that rise by the same step, as the
 * entries of a table do whose clusters are contiguous. A terabyte of zeroes, or its tables, are a few bytes so.
 */
import { hostOffset, type HostOffset, plus } from '../units';
import { risingLength, writeRising } from './simd';

export class Fill {
  static readonly zero = new Fill(0, 0, 0, hostOffset(0));

  /**
   * @param high @param low the first word's two halves, unsigned; in the bytes it is big-endian
   * @param step what each word is more than the one before it, below 2^31; 0 for one word over and over
   * @param origin offset in the file of the first word, a multiple of 8; 0 where `step` is
   */
  private constructor(
    readonly high: number,
    readonly low: number,
    readonly step: number,
    readonly origin: HostOffset,
  ) {}

  static of(high: number, low: number, step = 0, origin = 0): Fill {
    if (step !== 0) return new Fill(high, low, step, hostOffset(origin));
    return (high | low) === 0 ? Fill.zero : new Fill(high, low, 0, hostOffset(0));
  }

  /**
   * The fill that some bytes are, if they are one word over and over, or words that rise by `step`.
   * @param bytes whole words, two at least
   * @param offset theirs in the file, a multiple of 8
   */
  static found(bytes: Uint8Array, offset: HostOffset, step: number): Fill | undefined {
    const fill = Fill.begun(bytes, offset, step);
    return fill?.lengthIn(bytes, offset) === bytes.length ? fill : undefined;
  }

  /** The fill that some bytes begin with, going by the first two words. */
  static begun(bytes: Uint8Array, offset: HostOffset, step: number): Fill | undefined {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    // Most of what is none is seen at a glance.
    const rise = (view.getInt32(12) - view.getInt32(4)) | 0;
    if (rise !== 0 && rise !== step) return undefined;
    return Fill.of(view.getUint32(0), view.getUint32(4), rise, offset);
  }

  /**
   * How many bytes are this fill, from the first one on; what is less than 64 of them may count as none.
   * @param offset theirs in the file
   */
  lengthIn(bytes: Uint8Array, offset: HostOffset): number {
    const first = this.wordAt(offset);
    const known = risingLength(bytes, first.low, first.high, this.step);
    if (known !== undefined) return known;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let [high, low] = [first.high | 0, first.low | 0];
    for (let at = 0; at < bytes.length; at += 8) {
      if (view.getInt32(at) !== high || view.getInt32(at + 4) !== low) return at;
      low = (low + this.step) | 0;
      if (low >>> 0 < this.step) high = (high + 1) | 0;
    }
    return bytes.length;
  }

  /** Whether from `offset` on, which is not below the origin of either, both are the same. */
  agreesWith(other: Fill, offset: HostOffset): boolean {
    if (this === other) return true;
    const [one, two] = [this.wordAt(offset), other.wordAt(offset)];
    return this.step === other.step && one.high === two.high && one.low === two.low;
  }

  /** The halves of the word at `offset`, a multiple of 8. */
  wordAt(offset: HostOffset): { readonly high: number; readonly low: number } {
    const ahead = this.low + ((offset - this.origin) / 8) * this.step;
    return {
      high: (this.high + Math.floor(ahead / 0x1_0000_0000)) >>> 0,
      low: (ahead % 0x1_0000_0000) >>> 0,
    };
  }

  /**
   * Writes the bytes that the stretch has from `offset` on.
   * @param offset in the file, bytes; not below `origin`
   */
  writeTo(target: Uint8Array, offset: HostOffset): void {
    if (this === Fill.zero) {
      target.fill(0);
      return;
    }
    const phase = offset % 8;
    if (phase === 0 && target.length % 8 === 0) {
      this.#writeWords(target, offset);
      return;
    }
    const words = new Uint8Array(Math.ceil((phase + target.length) / 8) * 8);
    this.#writeWords(words, plus(offset, -phase));
    target.set(words.subarray(phase, phase + target.length));
  }

  #writeWords(target: Uint8Array, offset: HostOffset): void {
    const first = this.wordAt(offset);
    if (writeRising(target, first.low, first.high, this.step)) return;
    const view = new DataView(target.buffer, target.byteOffset, target.length);
    // Integers for certain: V8 would add floating point numbers otherwise.
    const step = this.step | 0;
    let high = first.high | 0;
    let low = first.low | 0;
    if (step === 0 && target.length > 16) {
      view.setUint32(0, high);
      view.setUint32(4, low);
      Buffer.from(target.buffer, target.byteOffset, target.length).fill(target.subarray(0, 8), 8);
      return;
    }
    for (let at = 0; at < target.length; at += 8) {
      view.setInt32(at, high);
      view.setInt32(at + 4, low);
      low = (low + step) | 0;
      if (low >>> 0 < step) high = (high + 1) | 0;
    }
  }
}
