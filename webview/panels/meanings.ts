/**
 * Explains the fields and bits of the format, one sentence each (qcow2.txt). The engine's names are the keys: a field
 * without an explanation, or an explanation without a field, does not compile.
 */
import type {
  EntryFieldName,
  FeatureName,
  HeaderFieldName,
  PhraseCode,
  Said,
} from '../../src/editor/page/messages';
import { t } from '../base/strings';

/** Header fields by name. */
export const FIELD_MEANING: Readonly<Record<HeaderFieldName, string>> = {
  magic: t('Magic number of qcow2: "QFI" and 0xfb.'),
  version: t('Format version, 2 or 3.'),
  backing_file_offset: t('Offset of the backing file name; 0 if there is none.'),
  backing_file_size: t('Length of the backing file name in bytes.'),
  cluster_bits: t('Cluster size as a power of two.'),
  size: t('Virtual size in bytes.'),
  crypt_method: t('Encryption method: 0 none, 1 AES, 2 LUKS.'),
  l1_size: t('Number of entries in the active L1 table.'),
  l1_table_offset: t('Offset of the active L1 table.'),
  refcount_table_offset: t('Offset of the refcount table.'),
  refcount_table_clusters: t('Number of clusters in the refcount table.'),
  nb_snapshots: t('Number of internal snapshots.'),
  snapshots_offset: t('Offset of the snapshot table.'),
  incompatible_features: t('Features a program must support to open the image.'),
  compatible_features: t('Features a program may ignore.'),
  autoclear_features: t('Features a program clears on writing if it does not support them.'),
  refcount_order: t('Refcount width in bits, as a power of two.'),
  header_length: t('Header length in bytes, without extensions.'),
  compression_type: t('Compression method: 0 deflate, 1 zstd.'),
};

/** Feature bits by name. */
export const FEATURE_MEANING: Readonly<Record<FeatureName, string>> = {
  dirty: t('The image was not closed cleanly: refcounts may be wrong.'),
  corrupt: t('A structure is corrupt; the image must not be written to.'),
  'external data file': t('Guest data is stored in an external data file.'),
  'compression type': t('Compressed clusters use a method other than deflate.'),
  'extended L2 entries': t('L2 entries are 128 bits wide and describe 32 subclusters.'),
  'lazy refcounts': t('Refcount updates may be delayed while the dirty bit is set.'),
  bitmaps: t('The persistent bitmaps are consistent with the data.'),
  'raw external data': t('The external data file is also a valid raw image.'),
};

/** Bits and fields of L1 and L2 entries by name. */
export const ENTRY_MEANING: Readonly<Record<EntryFieldName, string>> = {
  COPIED: t('The refcount is exactly one: the cluster may be written in place.'),
  COMPRESSED: t('The cluster is compressed.'),
  'zero flag': t('The cluster reads as zero.'),
  'L2 table offset': t('Offset of the L2 table; 0 if there is none.'),
  'host cluster offset': t('Offset of the cluster; 0 if there is none.'),
  'host offset of the compressed data': t('Offset of the compressed data; not aligned.'),
  'additional sectors': t('Number of 512-byte sectors after the first one.'),
  'subclusters that read as zero': t('One bit per subcluster that reads as zero.'),
  'allocated subclusters': t('One bit per allocated subcluster.'),
  reserved: t('Must be zero.'),
};

/** The text of a phrase that the engine gives as a code. */
export function phraseText({
  code,
  values: [first = '', second = '', third = ''],
}: NonNullable<Said['phrase']>): string {
  const texts: Readonly<Record<PhraseCode, () => string>> = {
    none: () => t('none'),
    unknown: () => t('unknown'),
    notQcow2: () => t('not qcow2'),
    bits: () => t('{0} bits', first),
    bytes: () => t('{0} bytes', first),
    sizeInBytes: () => t('{0} ({1} bytes)', first, second),
    bitmapDirectory: () => t('{0} bitmaps, directory of {1} bytes at {2}', first, second, third),
    luksHeader: () => t('LUKS header of {0} bytes at {1}', first, second),
    cutOff: () => t('{0} … (cut off)', first),
  };
  return texts[code]();
}
