/**
 * The header as a person reads it: every field with its place, raw and decoded value. It is built from raw bytes
 * without trusting them, so that a header that cannot be used can still be shown as far as it goes.
 */
import { LONGEST_TEXT, shortened } from '../../text/printable';
import { EngineError } from '../errors';
import { readBitmapDirectory } from '../format/bitmapDirectory';
import { dataView } from '../format/bytes';
import { FEATURE_NAMES, FEATURE_TYPES, hasBit } from '../format/features';
import type { FeatureName, FeatureType } from '../format/features';
import { strict } from '../format/faults';
import { parseHeader } from '../format/parseHeader';
import { parseExtensions } from '../format/headerExtensions';
import type { HeaderFieldName, HeaderFieldPlace } from '../format/headerFields';
import { HEADER_FIELDS, headerField, readHeaderField, V2_HEADER_LENGTH } from '../format/headerFields';
import { MAX_CLUSTER_BITS, MIN_CLUSTER_BITS } from '../format/limits';
import { readSnapshots } from '../format/snapshotTable';
import type { BlockFile } from '../io/blockFile';
import { bitmapFlags } from './bitmapFlags';
import { describeField } from './headerFieldText';
import type { Said } from '../../text/phrase';
import { namesInTable, viewExtensions, type ExtensionView } from './extensionView';

export type { HeaderFieldName } from '../format/headerFields';
export type { FeatureName } from '../format/features';

export interface HeaderView {
  readonly fields: readonly HeaderField[];
  readonly features: readonly FeatureBit[];
  readonly extensions: readonly ExtensionView[];
  readonly snapshots: readonly SnapshotView[];
  readonly bitmaps: readonly BitmapView[];
  /** The first bytes of the file, at most 4096, as they are. */
  readonly raw: Uint8Array;
}

/** `decoded` is `65536`, `zstd`, a name; empty where raw says it all. */
export interface HeaderField extends Said {
  /** The editor has a sentence for each. */
  readonly name: HeaderFieldName;
  readonly offset: number;
  readonly length: number;
  /** `0x…`, zero padded. */
  readonly raw: string;
  /** Host offset that the field points at, for following it. */
  readonly pointsTo?: number;
}

export interface FeatureBit {
  readonly type: 'incompatible' | 'compatible' | 'autoclear';
  readonly bit: number;
  readonly isSet: boolean;
  /** The specification's name; absent for a bit it does not know. */
  readonly name?: FeatureName;
  /** The name from the image's own feature name table. */
  readonly nameInImage?: string;
}

export interface SnapshotView {
  readonly id: string;
  readonly name: string;
  readonly dateSeconds: number;
  readonly dateNanoseconds: number;
  readonly vmClockNanoseconds: string;
  readonly vmStateSize: string;
  readonly virtualSize?: string;
  readonly l1Offset: number;
  readonly l1Entries: number;
  readonly icount?: string;
}

export interface BitmapView {
  readonly name: string;
  readonly granularity: number;
  readonly flags: readonly string[];
  readonly tableOffset: number;
  readonly tableEntries: number;
}

/** Bytes of the file that are shown as they are. */
const RAW_BYTES = 4096;
/** Most snapshots and bitmaps that are listed; the fields tell how many there are. */
const MAX_ROWS = 1000;

/** A name as a row has it: the format allows 64 KiB for one, QEMU makes none that is longer. */
const rowText = (name: string): string => shortened(name, LONGEST_TEXT);

/**
 * Reads what a header shows, whatever the bytes are: an empty file has no fields, a file of another kind has fields
 * that make no sense.
 * @throws FileError only when the file cannot be read at all
 */
export function readHeaderView(file: BlockFile): HeaderView {
  const raw = new Uint8Array(Math.min(RAW_BYTES, file.size));
  file.read(raw, 0);
  const header = dataView(raw);
  const extensions = viewExtensions(file, extensionArea(file, header));
  return {
    fields: presentFields(header).map((field) => viewField(file, header, field)),
    features: viewFeatures(header, namesInTable(extensions)),
    extensions: extensions.map(({ view }) => view),
    snapshots: orEmpty(() => viewSnapshots(file)),
    bitmaps: orEmpty(() => viewBitmaps(file)),
    raw,
  };
}

/** The fields that the file is long enough for and the version has. */
function presentFields(header: DataView): readonly HeaderFieldPlace[] {
  const version = readHeaderField(header, 'version');
  const declared = Number(readHeaderField(header, 'header_length'));
  const end = Math.min(header.byteLength, version === 2n ? V2_HEADER_LENGTH : Math.max(declared, 104));
  return HEADER_FIELDS.filter(({ offset, length }) => offset + length <= end);
}

function viewField(file: BlockFile, header: DataView, field: HeaderFieldPlace): HeaderField {
  const { name, offset, length } = field;
  const value = readHeaderField(header, name);
  const raw = `0x${value.toString(16).padStart(length * 2, '0')}`;
  return { name, offset, length, raw, ...describeField(file, header, name, value) };
}

/** Where extensions would be: from the header's end to the backing file name or the end of the first cluster. */
function extensionArea(file: BlockFile, header: DataView): { readonly start: number; readonly end: number } {
  const field = (name: HeaderFieldName): number => Number(readHeaderField(header, name));
  const start = field('version') === 2 ? V2_HEADER_LENGTH : field('header_length');
  const bits = Math.min(Math.max(field('cluster_bits'), MIN_CLUSTER_BITS), MAX_CLUSTER_BITS);
  const nameOffset = field('backing_file_offset');
  const cluster = Math.min(2 ** bits, file.size);
  const isNameAfterHeader = nameOffset > start && nameOffset < cluster;
  return { start: Math.max(start, V2_HEADER_LENGTH), end: isNameAfterHeader ? nameOffset : cluster };
}

/** Every bit with a name in the specification, and every other bit that is set. Version 2 has none. */
function viewFeatures(header: DataView, namesInImage: ReadonlyMap<string, string>): FeatureBit[] {
  const { offset, length } = headerField('autoclear_features');
  if (readHeaderField(header, 'version') < 3n || offset + length > header.byteLength) return [];
  return FEATURE_TYPES.flatMap((type) => {
    const field = readHeaderField(header, `${type}_features`);
    return Array.from({ length: 64 }, (_, bit) =>
      viewFeature(type, bit, hasBit(field, bit), namesInImage),
    ).filter(({ name, isSet }) => name !== undefined || isSet);
  });
}

function viewFeature(
  type: FeatureType,
  bit: number,
  isSet: boolean,
  namesInImage: ReadonlyMap<string, string>,
): FeatureBit {
  const name = nameOf(type, bit);
  const nameInImage = namesInImage.get(`${type} ${bit}`);
  return {
    type,
    bit,
    isSet,
    ...(name === undefined ? {} : { name }),
    ...(nameInImage === undefined ? {} : { nameInImage }),
  };
}

const nameOf = (type: FeatureType, bit: number): FeatureName | undefined => FEATURE_NAMES[type][bit];

function viewSnapshots(file: BlockFile): SnapshotView[] {
  return readSnapshots(file, parseHeader(file), strict)
    .snapshots.slice(0, MAX_ROWS)
    .map((snapshot) => ({
      id: rowText(snapshot.id),
      name: rowText(snapshot.name),
      dateSeconds: snapshot.dateSeconds,
      dateNanoseconds: snapshot.dateNanoseconds,
      vmClockNanoseconds: snapshot.vmClockNanoseconds.toString(),
      vmStateSize: snapshot.vmStateSize.toString(),
      l1Offset: snapshot.l1TableOffset,
      l1Entries: snapshot.l1Size,
      ...(snapshot.virtualSize === undefined ? {} : { virtualSize: snapshot.virtualSize.toString() }),
      ...(snapshot.icount === undefined ? {} : { icount: snapshot.icount.toString() }),
    }));
}

function viewBitmaps(file: BlockFile): BitmapView[] {
  const header = parseHeader(file);
  const { bitmaps } = parseExtensions(file, header);
  if (bitmaps === undefined) return [];
  return readBitmapDirectory(file, header, bitmaps)
    .slice(0, MAX_ROWS)
    .map((bitmap) => ({
      name: rowText(bitmap.name),
      granularity: bitmap.granularity,
      flags: bitmapFlags(bitmap),
      tableOffset: bitmap.tableOffset,
      tableEntries: bitmap.tableSize,
    }));
}

/** What cannot be parsed is not listed: the image's own problem says what is wrong with it. */
function orEmpty<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (error instanceof EngineError) return [];
    throw error;
  }
}
