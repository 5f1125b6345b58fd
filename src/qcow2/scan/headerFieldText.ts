/** What the value of a header field means, in a few words (qcow2.txt, "Header"). */
import { textOf } from '../format/bytes';
import { FEATURE_NAMES, setBits } from '../format/features';
import type { FeatureType } from '../format/features';
import type { HeaderFieldName } from '../format/headerFields';
import { readHeaderField } from '../format/headerFields';
import { MAX_BACKING_NAME_SIZE, MAX_CLUSTER_BITS, MAX_REFCOUNT_ORDER } from '../format/limits';
import type { BlockFile } from '../io/blockFile';
import { sizeText } from './sizeText';

export interface FieldMeaning {
  /** Empty where the raw value says it all. */
  readonly decoded: string;
  /** Host offset that the field points at. */
  readonly pointsTo?: number;
}

const ENCRYPTION = ['none', 'AES', 'LUKS'];
const COMPRESSION = ['deflate', 'zstd'];

/**
 * @param header the first bytes of `file`
 * @throws FileError
 */
export function describeField(
  file: BlockFile,
  header: DataView,
  name: HeaderFieldName,
  value: bigint,
): FieldMeaning {
  switch (name) {
    case 'magic':
      return { decoded: value === 0x514649fbn ? 'QFI\\xfb' : 'not qcow2' };
    case 'version':
    case 'l1_size':
    case 'refcount_table_clusters':
    case 'nb_snapshots':
      return { decoded: value.toString() };
    case 'backing_file_offset':
      return value === 0n
        ? { decoded: 'none' }
        : { decoded: backingName(file, header, value), ...place(value) };
    case 'backing_file_size':
    case 'header_length':
      return { decoded: `${value} bytes` };
    case 'cluster_bits':
      return { decoded: value <= BigInt(MAX_CLUSTER_BITS) ? sizeText(2 ** Number(value)) : '' };
    case 'size':
      return { decoded: `${sizeText(Number(value))} (${value} bytes)` };
    case 'crypt_method':
      return { decoded: named(ENCRYPTION, value) };
    case 'l1_table_offset':
    case 'refcount_table_offset':
    case 'snapshots_offset':
      return { decoded: '', ...place(value) };
    case 'incompatible_features':
      return { decoded: featureNames('incompatible', value) };
    case 'compatible_features':
      return { decoded: featureNames('compatible', value) };
    case 'autoclear_features':
      return { decoded: featureNames('autoclear', value) };
    case 'refcount_order':
      return { decoded: value <= BigInt(MAX_REFCOUNT_ORDER) ? `${2 ** Number(value)} bits` : '' };
    case 'compression_type':
      return { decoded: named(COMPRESSION, value) };
  }
}

function place(value: bigint): Pick<FieldMeaning, 'pointsTo'> {
  return value > 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? { pointsTo: Number(value) } : {};
}

function named(names: readonly string[], value: bigint): string {
  return names[Number(value)] ?? 'unknown';
}

function featureNames(type: FeatureType, value: bigint): string {
  const names = setBits(value).map((bit) => FEATURE_NAMES[type][bit] ?? `bit ${bit}`);
  return names.length === 0 ? 'none' : names.join(', ');
}

/** As much of the name as a name may have, from wherever the field points. */
function backingName(file: BlockFile, header: DataView, offset: bigint): string {
  const size = Math.min(Number(readHeaderField(header, 'backing_file_size')), MAX_BACKING_NAME_SIZE);
  if (offset + BigInt(size) > BigInt(file.size)) return '';
  const bytes = new Uint8Array(size);
  file.read(bytes, Number(offset));
  return textOf(bytes);
}
