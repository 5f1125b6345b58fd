/** Fields of structures on disk. A field beyond the end of the bytes reads as zero or as an empty text. */

const UTF8 = new TextDecoder('utf-8');
const UTF16 = new TextDecoder('utf-16le');
const LATIN1 = new TextDecoder('latin1');

export class Fields {
  readonly length: number;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(at: number): number {
    return this.#has(at, 1) ? this.#view.getUint8(at) : 0;
  }

  u16(at: number, isLittle = true): number {
    return this.#has(at, 2) ? this.#view.getUint16(at, isLittle) : 0;
  }

  u32(at: number, isLittle = true): number {
    return this.#has(at, 4) ? this.#view.getUint32(at, isLittle) : 0;
  }

  /** Not exact from 2^53 on, and then beyond the end of every device. */
  u64(at: number, isLittle = true): number {
    if (!this.#has(at, 8)) return 0;
    return isLittle
      ? this.#view.getUint32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true)
      : this.#view.getUint32(at, false) * 2 ** 32 + this.#view.getUint32(at + 4, false);
  }

  /** Whether the bytes from `at` on are these characters, each one byte. */
  is(at: number, text: string): boolean {
    if (!this.#has(at, text.length)) return false;
    for (let index = 0; index < text.length; index++)
      if (this.bytes[at + index] !== text.charCodeAt(index)) return false;
    return true;
  }

  /** UTF-8 up to the first NUL; bytes that are not valid are replaced. */
  utf8(at: number, length: number): string {
    return UTF8.decode(this.#upToNul(at, length));
  }

  /** One byte a character, up to the first NUL, without blanks at the end. */
  latin1(at: number, length: number): string {
    return LATIN1.decode(this.#upToNul(at, length)).trimEnd();
  }

  /** UTF-16 (little endian) up to the first NUL. @param length bytes */
  utf16(at: number, length: number): string {
    const text = UTF16.decode(this.part(at, length & ~1));
    const end = text.indexOf('\0');
    return end < 0 ? text : text.slice(0, end);
  }

  /** 16 bytes as `8-4-4-4-12` digits; undefined where all are zero. */
  uuid(at: number): string | undefined {
    const digits = this.hex(at, 16);
    return /^0*$/.test(digits) ? undefined : hyphened(digits);
  }

  /** As `uuid`, with the first three groups little endian, as Microsoft and UEFI store them. */
  guid(at: number): string | undefined {
    const digits = [
      this.u32(at).toString(16).padStart(8, '0'),
      this.u16(at + 4)
        .toString(16)
        .padStart(4, '0'),
      this.u16(at + 6)
        .toString(16)
        .padStart(4, '0'),
      this.hex(at + 8, 8),
    ].join('');
    return /^0*$/.test(digits) ? undefined : hyphened(digits);
  }

  hex(at: number, length: number): string {
    return Array.from(this.part(at, length), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** The bytes themselves, not copied; fewer at the end. */
  part(at: number, length: number): Uint8Array {
    return this.bytes.subarray(Math.min(at, this.length), Math.min(at + length, this.length));
  }

  #upToNul(at: number, length: number): Uint8Array {
    const part = this.part(at, length);
    const end = part.indexOf(0);
    return end < 0 ? part : part.subarray(0, end);
  }

  #has(at: number, length: number): boolean {
    return at >= 0 && at + length <= this.length;
  }
}

const hyphened = (digits: string): string =>
  [8, 12, 16, 20, 32]
    .map((end, index, ends) => digits.slice(index === 0 ? 0 : ends[index - 1], end))
    .join('-');

/** A power of two within limits, both included. */
export const isPowerOfTwo = (value: number, least: number, most: number): boolean =>
  value >= least && value <= most && Number.isInteger(Math.log2(value));
