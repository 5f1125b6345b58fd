/** What the value of a header field means, in a few words (qcow2.txt, "Header"). */
import { textOf } from '../format/bytes';
import { FEATURE_NAMES, setBits } from '../format/features';
import type { FeatureType } from '../format/features';
import type { HeaderFieldName } from '../format/headerFields';
import { readHeaderField } from '../format/headerFields';
import { MAX_BACKING_NAME_SIZE, MAX_CLUSTER_BITS, MAX_REFCOUNT_ORDER } from '../format/limits';
import type { BlockFile } from '../io/blockFile';
import { say, type Said } from '../../text/phrase';
import { sizeText } from '../../text/sizeText';

/** Nothing where the raw value says it all. */
export interface FieldMeaning extends Said {
  /** Host offset that the field points at. */
  readonly pointsTo?: number;
}

const ENCRYPTION = [undefined, 'AES', 'LUKS'];
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
      return value === 0x514649fbn ? { decoded: 'QFI\\xfb' } : say('notQcow2');
    case 'version':
    case 'l1_size':
    case 'refcount_table_clusters':
    case 'nb_snapshots':
      return { decoded: value.toString() };
    case 'backing_file_offset':
      return value === 0n ? say('none') : { decoded: backingName(file, header, value), ...place(value) };
    case 'backing_file_size':
    case 'header_length':
      return say('bytes', value);
    case 'cluster_bits':
      return { decoded: value <= BigInt(MAX_CLUSTER_BITS) ? sizeText(2 ** Number(value)) : '' };
    case 'size':
      return say('sizeInBytes', sizeText(Number(value)), value);
    case 'crypt_method':
      return value === 0n ? say('none') : named(ENCRYPTION, value);
    case 'l1_table_offset':
    case 'refcount_table_offset':
    case 'snapshots_offset':
      return { decoded: '', ...place(value) };
    case 'incompatible_features':
      return featureNames('incompatible', value);
    case 'compatible_features':
      return featureNames('compatible', value);
    case 'autoclear_features':
      return featureNames('autoclear', value);
    case 'refcount_order':
      return value <= BigInt(MAX_REFCOUNT_ORDER) ? say('bits', 2 ** Number(value)) : { decoded: '' };
    case 'compression_type':
      return named(COMPRESSION, value);
  }
}

function place(value: bigint): Pick<FieldMeaning, 'pointsTo'> {
  return value > 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? { pointsTo: Number(value) } : {};
}

function named(names: readonly (string | undefined)[], value: bigint): Said {
  const decoded = names[Number(value)];
  return decoded === undefined ? say('unknown') : { decoded };
}

function featureNames(type: FeatureType, value: bigint): Said {
  const names = setBits(value).map((bit) => FEATURE_NAMES[type][bit] ?? `bit ${bit}`);
  return names.length === 0 ? say('none') : { decoded: names.join(', ') };
}

/** As much of the name as a name may have, from wherever the field points. */
function backingName(file: BlockFile, header: DataView, offset: bigint): string {
  const size = Math.min(Number(readHeaderField(header, 'backing_file_size')), MAX_BACKING_NAME_SIZE);
  if (offset + BigInt(size) > BigInt(file.size)) return '';
  const bytes = new Uint8Array(size);
  file.read(bytes, Number(offset));
  return textOf(bytes);
}
