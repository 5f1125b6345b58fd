/**
 * Text written straight into a reused byte buffer and handed on in large pieces: a map of two million extents is a
 * quarter of a gigabyte of digits, for which strings would cost more than everything else together.
 */

/** Where bytes go. `bytes` is valid only during the call: the buffer behind it is written again afterwards. */
export interface ByteSink {
  write(bytes: Uint8Array): void;
}

const BUFFER_BYTES = 128 * 1024;

/** `00` to `99` as ASCII. */
const DIGIT_PAIRS = Uint8Array.from({ length: 200 }, (_, index) =>
  index % 2 === 0 ? 48 + Math.floor(index / 20) : 48 + (Math.floor(index / 2) % 10),
);
export const BILLION = 1_000_000_000;

export class ByteWriter {
  readonly buffer = new Uint8Array(BUFFER_BYTES);
  /** Where the next byte goes. Row writers that know what they do move it themselves. */
  at = 0;
  /** Counts the buffer's fillings: places in `buffer` mean something only within one. */
  filling = 0;
  #flushed = 0;

  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Bytes written so far, those in the buffer included. */
  get bytesWritten(): number {
    return this.#flushed + this.at;
  }

  /** Makes room for `bytes` (far fewer than the buffer has) without a flush in between. */
  reserve(bytes: number): void {
    if (this.at + bytes > BUFFER_BYTES) this.flush();
  }

  /** Writes text as UTF-8, of any length. */
  text(text: string): void {
    this.bytes(Buffer.from(text, 'utf8'));
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_BYTES) {
      this.flush();
      this.#flushed += bytes.length;
      this.#sink.write(bytes);
      return;
    }
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Writes one byte. The caller has reserved it. */
  byte(byte: number): void {
    this.buffer[this.at++] = byte;
  }

  /** Writes a safe integer ≥ 0 in decimal. The caller has reserved 16 bytes. */
  decimal(value: number): void {
    this.at = writeDecimal(this.buffer, this.at, value);
  }

  flush(): void {
    if (this.at > 0) this.#sink.write(this.buffer.subarray(0, this.at));
    this.#flushed += this.at;
    this.at = 0;
    this.filling++;
  }
}

/** Digits that `writeDecimal` writes for a safe integer ≥ 0. */
export function decimalDigits(value: number): number {
  if (value < BILLION) return smallDigits(value);
  const high = Math.floor(value / BILLION);
  return 9 + smallDigits(high);
}

/** Writes a safe integer ≥ 0 at `at` and returns the place after it. */
export function writeDecimal(buffer: Uint8Array, at: number, value: number): number {
  if (value < BILLION) return writeSmall(buffer, at, value | 0);
  const high = Math.floor(value / BILLION);
  return writeNineDigits(buffer, writeSmall(buffer, at, high), (value - high * BILLION) | 0);
}

function smallDigits(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
  if (value < 1_000_000) return value < 100_000 ? 5 : 6;
  return value < 100_000_000 ? (value < 10_000_000 ? 7 : 8) : 9;
}

/** `value` < 10^9: what is left of a safe integer above the last nine digits is below 9,007,200. */
function writeSmall(buffer: Uint8Array, at: number, value: number): number {
  const end = at + smallDigits(value);
  let place = end;
  let rest = value;
  while (rest >= 100) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    rest = quotient;
    place -= 2;
    buffer[place] = DIGIT_PAIRS[pair]!;
    buffer[place + 1] = DIGIT_PAIRS[pair + 1]!;
  }
  if (rest >= 10) {
    buffer[place - 2] = DIGIT_PAIRS[rest << 1]!;
    buffer[place - 1] = DIGIT_PAIRS[(rest << 1) + 1]!;
  } else {
    buffer[place - 1] = 48 + rest;
  }
  return end;
}

/** Writes an integer from 0 to 999,999,999 with leading zeroes at `at`, and returns the place after it. */
export function writeNineDigits(buffer: Uint8Array, at: number, value: number): number {
  let place = at + 9;
  let rest = value | 0;
  for (let pairs = 0; pairs < 4; pairs++) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    rest = quotient;
    place -= 2;
    buffer[place] = DIGIT_PAIRS[pair]!;
    buffer[place + 1] = DIGIT_PAIRS[pair + 1]!;
  }
  buffer[at] = 48 + rest;
  return at + 9;
}
