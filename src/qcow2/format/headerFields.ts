/**
 * Where each field of the header is (qcow2.txt, "Header"): one table for those who parse it and for those who
 * show it, readable or not.
 */
import { hostOffset, type HostOffset } from '../units';

export type HeaderFieldName =
  | 'magic'
  | 'version'
  | 'backing_file_offset'
  | 'backing_file_size'
  | 'cluster_bits'
  | 'size'
  | 'crypt_method'
  | 'l1_size'
  | 'l1_table_offset'
  | 'refcount_table_offset'
  | 'refcount_table_clusters'
  | 'nb_snapshots'
  | 'snapshots_offset'
  | 'incompatible_features'
  | 'compatible_features'
  | 'autoclear_features'
  | 'refcount_order'
  | 'header_length'
  | 'compression_type';

export interface HeaderFieldPlace {
  readonly name: HeaderFieldName;
  /** Bytes from the start of the file. */
  readonly offset: HostOffset;
  /** Bytes. */
  readonly length: 1 | 4 | 8;
  /** First version of the format that has the field. */
  readonly since: 2 | 3;
}

const place = (
  name: HeaderFieldName,
  offset: number,
  length: HeaderFieldPlace['length'],
  since: HeaderFieldPlace['since'] = 2,
): HeaderFieldPlace => ({ name, offset: hostOffset(offset), length, since });

/** Every field, in the order of the file. */
export const HEADER_FIELDS: readonly HeaderFieldPlace[] = [
  place('magic', 0, 4),
  place('version', 4, 4),
  place('backing_file_offset', 8, 8),
  place('backing_file_size', 16, 4),
  place('cluster_bits', 20, 4),
  place('size', 24, 8),
  place('crypt_method', 32, 4),
  place('l1_size', 36, 4),
  place('l1_table_offset', 40, 8),
  place('refcount_table_offset', 48, 8),
  place('refcount_table_clusters', 56, 4),
  place('nb_snapshots', 60, 4),
  place('snapshots_offset', 64, 8),
  place('incompatible_features', 72, 8, 3),
  place('compatible_features', 80, 8, 3),
  place('autoclear_features', 88, 8, 3),
  place('refcount_order', 96, 4, 3),
  place('header_length', 100, 4, 3),
  place('compression_type', 104, 1, 3),
];

const PLACES = new Map(HEADER_FIELDS.map((field) => [field.name, field]));

/** Where a field is. */
export function headerField(name: HeaderFieldName): HeaderFieldPlace {
  const field = PLACES.get(name);
  if (field === undefined) throw new RangeError(`no header field ${name}`);
  return field;
}

export const MAGIC = 0x514649fb;
/** Bytes of a version 2 header, which has no `header_length`. */
export const V2_HEADER_LENGTH = 72;
/** Bytes that a version 3 header has at least. */
export const V3_MIN_HEADER_LENGTH = 104;
/** Bytes of all fields known here (`compression_type` is followed by seven bytes of padding). */
export const KNOWN_HEADER_LENGTH = 112;

/** Reads a field out of the first bytes of a file; 0 where they end before it. */
export function readHeaderField(bytes: DataView, name: HeaderFieldName): bigint {
  const { offset, length } = headerField(name);
  if (offset + length > bytes.byteLength) return 0n;
  if (length === 8) return bytes.getBigUint64(offset);
  return BigInt(length === 4 ? bytes.getUint32(offset) : bytes.getUint8(offset));
}
