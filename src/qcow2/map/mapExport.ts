/**
 * The map written out, streamed: JSON and text byte for byte as `qemu-img map` 7.2 prints them (qemu-img.c
 * `dump_map_entry`), or CSV with what QEMU leaves out. Memory stays flat however many extents there are.
 */
import { hex } from '../../text/hex';
import { printable } from '../../text/printable';
import { RefusedError } from '../errors';
import { type Layers, NO_HOST } from '../image/layer';
import type { Progress } from '../progress';
import { silent } from '../progress';
import { BILLION, ByteWriter, decimalDigits, writeDecimal, writeNineDigits } from '../../text/byteWriter';
import type { ByteSink } from '../../text/byteWriter';
import { type ByteLength, guestOffset, type GuestOffset } from '../units';
import { forEachExtent } from './map';
import type { MapExtent } from './map';

export type MapForm = 'json' | 'csv' | 'text';

export interface MapExport {
  readonly form: MapForm;
  /** First guest byte, not rounded; default 0. */
  readonly start?: GuestOffset;
  /** Guest bytes, clamped to the disk's end; default the rest of the disk. */
  readonly length?: number;
  /**
   * What the text form does with data that has no host offset (compressed, encrypted): `fail` as qemu-img does (the
   * default), or `name` it in the column of the offset.
   */
  readonly unmapped?: 'fail' | 'name';
}

export interface MapExportResult {
  readonly extents: number;
  readonly bytes: ByteLength;
}

const COMMA = 0x2c;
const NEWLINE = 0x0a;
const CLOSING_BRACE = 0x7d;

interface ExtentWriter {
  begin(): void;
  extent(extent: Readonly<MapExtent>): void;
  end(): void;
}

/**
 * Writes the map of a chain to `sink`. A range without bytes (at or past the end of the disk, of length 0, an empty
 * disk) gives one row of length 0, as in QEMU.
 * @throws RefusedError `map.noOffset` in text form at the first data that has no host offset, after the rows before
 *   it were written; else what `forEachExtent` throws
 */
export function exportMap(
  layers: Layers,
  request: MapExport,
  sink: ByteSink,
  progress: Progress = silent,
): MapExportResult {
  const size = guestOffset(layers[0].size);
  const start = request.start ?? guestOffset(0);
  const end = request.length === undefined ? size : guestOffset(Math.min(size, start + request.length));
  const output = new ByteWriter(sink);
  const writer = writerOf(request, output, layers);
  let extents = 0;
  writer.begin();
  try {
    forEachExtent(
      layers,
      start,
      end,
      (extent) => {
        extents++;
        writer.extent(extent);
      },
      progress,
    );
    if (extents === 0) writer.extent(emptyAt(start));
    writer.end();
  } finally {
    output.flush();
  }
  return { extents, bytes: output.bytesWritten };
}

function emptyAt(start: GuestOffset): MapExtent {
  const nothing = { present: false, zero: false, data: false, compressed: false };
  return { start, length: 0, depth: 0, ...nothing, offset: NO_HOST };
}

function writerOf(request: MapExport, output: ByteWriter, layers: Layers): ExtentWriter {
  switch (request.form) {
    case 'json':
      return new JsonWriter(output);
    case 'csv':
      return new CsvWriter(output, layers);
    case 'text':
      return new TextWriter(output, layers, request.unmapped === 'name');
  }
}

/** A small number for everything of an extent but its place: rows of equal state have equal words. */
function stateOf(extent: Readonly<MapExtent>): number {
  const { depth, present, zero, data, compressed, offset } = extent;
  const flags =
    (present ? 1 : 0) | (zero ? 2 : 0) | (data ? 4 : 0) | (compressed ? 8 : 0) | (offset >= 0 ? 16 : 0);
  return (depth << 5) | flags;
}

/** Bytes of the longest JSON row: about 110 of names and words, three numbers of at most 16 digits, a depth. */
const JSON_ROW_BYTES = 192;
const START_NAME = ascii('{ "start": ');
const LENGTH_NAME = ascii(', "length": ');

/** Where in the buffer the last row of one state stands, and the shape it has there. */
interface RowTemplate {
  /** What stands between length and offset. */
  readonly words: Uint8Array;
  /** The buffer's filling that `at` belongs to. */
  filling: number;
  at: number;
  bytes: ByteLength;
  startDigits: number;
  lengthDigits: number;
  offsetDigits: number;
  /** The numbers that stand there: those of start and offset without their last nine digits, as whole billions. */
  startBillions: number;
  length: number;
  offsetBillions: number;
}

/**
 * One line an extent. Rows that differ in numbers only are made by copying the last such row within the buffer and
 * writing the digits over it, where most often only the last nine of two numbers differ: three times as fast as putting
 * the pieces together each time.
 */
class JsonWriter implements ExtentWriter {
  readonly #templates: RowTemplate[] = [];
  #hasRows = false;

  readonly #output: ByteWriter;

  constructor(output: ByteWriter) {
    this.#output = output;
  }

  begin(): void {
    this.#output.text('[');
  }

  extent(extent: Readonly<MapExtent>): void {
    const output = this.#output;
    output.reserve(JSON_ROW_BYTES);
    const { buffer } = output;
    if (this.#hasRows) {
      buffer[output.at++] = COMMA;
      buffer[output.at++] = NEWLINE;
    }
    this.#hasRows = true;
    const template = (this.#templates[stateOf(extent)] ??= makeTemplate(extent));
    if (!this.#copyLast(template, extent)) this.#writeAnew(template, extent);
    template.at = output.at;
    output.at += template.bytes;
  }

  end(): void {
    this.#output.text(']\n');
  }

  /** Copies the last such row where no more than the last nine digits of start and offset differ. */
  #copyLast(template: RowTemplate, extent: Readonly<MapExtent>): boolean {
    const { buffer, at, filling } = this.#output;
    if (template.filling !== filling || extent.length !== template.length) return false;
    const start = extent.start - template.startBillions;
    if (start < 0 || start >= BILLION || template.startBillions === 0) return false;
    if (extent.offset >= 0) {
      const offset = extent.offset - template.offsetBillions;
      if (offset < 0 || offset >= BILLION || template.offsetBillions === 0) return false;
      buffer.copyWithin(at, template.at, template.at + template.bytes);
      writeNineDigits(buffer, at + template.bytes - 10, offset);
    } else {
      buffer.copyWithin(at, template.at, template.at + template.bytes);
    }
    writeNineDigits(buffer, at + START_NAME.length + template.startDigits - 9, start);
    return true;
  }

  /** Writes a whole row, the next template. */
  #writeAnew(template: RowTemplate, extent: Readonly<MapExtent>): void {
    const { buffer, at, filling } = this.#output;
    template.filling = filling;
    template.startDigits = decimalDigits(extent.start);
    template.lengthDigits = decimalDigits(extent.length);
    template.offsetDigits = extent.offset < 0 ? 0 : decimalDigits(extent.offset);
    template.startBillions = billionsOf(extent.start);
    template.length = extent.length;
    template.offsetBillions = billionsOf(extent.offset);
    writeWords(buffer, at, template);
    const startAt = at + START_NAME.length;
    const lengthAt = startAt + template.startDigits + LENGTH_NAME.length;
    const offsetAt = lengthAt + template.lengthDigits + template.words.length;
    writeDecimal(buffer, startAt, extent.start);
    writeDecimal(buffer, lengthAt, extent.length);
    if (extent.offset >= 0) writeDecimal(buffer, offsetAt, extent.offset);
  }
}

const billionsOf = (value: number): number => Math.floor(value / BILLION) * BILLION;

function makeTemplate(extent: Readonly<MapExtent>): RowTemplate {
  const { depth, present, zero, data, offset } = extent;
  const words = `, "depth": ${depth}, "present": ${word(present)}, "zero": ${word(zero)}, "data": ${word(data)}`;
  return {
    words: ascii(offset < 0 ? words : `${words}, "offset": `),
    filling: -1,
    at: 0,
    bytes: 0,
    startDigits: 0,
    lengthDigits: 0,
    offsetDigits: 0,
    startBillions: 0,
    length: -1,
    offsetBillions: 0,
  };
}

/** Writes what stands around a row's numbers, and counts the row's bytes. */
function writeWords(buffer: Uint8Array, at: number, template: RowTemplate): void {
  buffer.set(START_NAME, at);
  const lengthNameAt = at + START_NAME.length + template.startDigits;
  buffer.set(LENGTH_NAME, lengthNameAt);
  const wordsAt = lengthNameAt + LENGTH_NAME.length + template.lengthDigits;
  buffer.set(template.words, wordsAt);
  const end = wordsAt + template.words.length + template.offsetDigits;
  buffer[end] = CLOSING_BRACE;
  template.bytes = end + 1 - at;
}

/** Bytes of a CSV row's numbers. */
const CSV_NUMBERS_BYTES = 64;

/** One line an extent, with the compressed flag and the file that `offset` is in. */
class CsvWriter implements ExtentWriter {
  readonly #files: readonly Uint8Array[];
  readonly #words: Uint8Array[] = [];

  readonly #output: ByteWriter;

  constructor(output: ByteWriter, layers: Layers) {
    this.#output = output;
    this.#files = layers.map((layer) => Buffer.from(csvText(layer.dataFile.name), 'utf8'));
  }

  begin(): void {
    this.#output.text('start,length,depth,present,zero,data,compressed,offset,file\n');
  }

  extent(extent: Readonly<MapExtent>): void {
    const output = this.#output;
    output.reserve(CSV_NUMBERS_BYTES);
    output.decimal(extent.start);
    output.byte(COMMA);
    output.decimal(extent.length);
    output.bytes((this.#words[stateOf(extent)] ??= csvWords(extent)));
    output.reserve(CSV_NUMBERS_BYTES);
    if (extent.offset >= 0) output.decimal(extent.offset);
    output.byte(COMMA);
    if (extent.offset >= 0) output.bytes(this.#files[extent.depth]!);
    output.reserve(1);
    output.byte(NEWLINE);
  }

  end(): void {
    // Nothing stands after the rows.
  }
}

function csvWords(extent: Readonly<MapExtent>): Uint8Array {
  const { depth, present, zero, data, compressed } = extent;
  return ascii(`,${depth},${word(present)},${word(zero)},${word(data)},${word(compressed)},`);
}

/** A field as RFC 4180 has it: in quotes where it holds a comma, a quote or a line break. */
function csvText(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The table for people: only rows of data, in columns of 16. */
class TextWriter implements ExtentWriter {
  /** For people, so unlike QEMU's not raw. */
  readonly #files: readonly string[];

  readonly #output: ByteWriter;
  readonly #layers: Layers;
  readonly #namesUnmapped: boolean;

  constructor(output: ByteWriter, layers: Layers, namesUnmapped: boolean) {
    this.#output = output;
    this.#layers = layers;
    this.#namesUnmapped = namesUnmapped;
    this.#files = layers.map(({ dataFile }) => printable(dataFile.name));
  }

  begin(): void {
    this.#output.text(`${['Offset', 'Length', 'Mapped to'].map((title) => title.padEnd(16)).join('')}File\n`);
  }

  extent(extent: Readonly<MapExtent>): void {
    if (!extent.data || extent.zero) return;
    const place = extent.offset < 0 ? this.#unmapped(extent) : column(extent.offset);
    this.#output.text(
      `${column(extent.start)}${column(extent.length)}${place}${this.#files[extent.depth]!}\n`,
    );
  }

  end(): void {
    // Nothing stands after the rows.
  }

  #unmapped(extent: Readonly<MapExtent>): string {
    if (this.#namesUnmapped) return (extent.compressed ? 'compressed' : 'encrypted').padEnd(16);
    throw new RefusedError(this.#layers[0].file.name, 'map.noOffset', { offset: extent.start });
  }
}

/** `%#-16x` of C: no prefix for 0, and nothing cut off. */
function column(value: number): string {
  return (value === 0 ? '0' : hex(value)).padEnd(16);
}

function word(flag: boolean): string {
  return flag ? 'true' : 'false';
}

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}
