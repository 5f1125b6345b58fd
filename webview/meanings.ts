/**
 * What the fields and bits of the format mean, in a sentence each (qcow2.txt). The engine's names are the keys: a field
 * without an explanation, or an explanation without a field, does not compile.
 */
import type {
  EntryFieldName,
  FeatureName,
  HeaderFieldName,
  PhraseCode,
  Said,
} from '../src/editor/page/messages';
import { t } from './strings';

/** Header fields by name. */
export const FIELD_MEANING: Readonly<Record<HeaderFieldName, string>> = {
  magic: t('Says that this is a qcow2 image: "QFI" and 0xfb.'),
  version: t('Format version, 2 or 3.'),
  backing_file_offset: t("Where the backing file's name stands; 0 for none."),
  backing_file_size: t("Bytes of the backing file's name."),
  cluster_bits: t('The cluster size as a power of two.'),
  size: t("Bytes of the guest's disk."),
  crypt_method: t('How the data is encrypted: 0 not at all, 1 AES, 2 LUKS.'),
  l1_size: t('Entries of the active L1 table.'),
  l1_table_offset: t('Where the active L1 table starts.'),
  refcount_table_offset: t('Where the refcount table starts.'),
  refcount_table_clusters: t('Clusters that the refcount table takes.'),
  nb_snapshots: t('Internal snapshots in the image.'),
  snapshots_offset: t('Where the snapshot table starts.'),
  incompatible_features: t('Features that a program must know to open the image.'),
  compatible_features: t('Features that a program may ignore.'),
  autoclear_features: t('Features that a program clears when it writes without knowing them.'),
  refcount_order: t('Bits of a refcount as a power of two.'),
  header_length: t('Bytes of the header without its extensions.'),
  compression_type: t('How compressed clusters are compressed: 0 deflate, 1 zstd.'),
};

/** Feature bits by name. */
export const FEATURE_MEANING: Readonly<Record<FeatureName, string>> = {
  dirty: t('The image was not closed cleanly: refcounts may be wrong.'),
  corrupt: t('A structure was found corrupt; the image must not be written.'),
  'external data file': t("The guest's data is in a file of its own."),
  'compression type': t('Clusters are compressed by something else than deflate.'),
  'extended L2 entries': t('L2 entries have 128 bits and tell 32 subclusters apart.'),
  'lazy refcounts': t('Refcounts may be written late, with the dirty bit set meanwhile.'),
  bitmaps: t('The persistent bitmaps are consistent with the data.'),
  'raw external data': t('The external data file can also be read by itself, as a raw image.'),
};

/** Bits and fields of L1 and L2 entries by name. */
export const ENTRY_MEANING: Readonly<Record<EntryFieldName, string>> = {
  COPIED: t('The refcount is exactly one: the cluster may be written in place.'),
  COMPRESSED: t('The cluster is compressed.'),
  'zero flag': t('The cluster reads as zero.'),
  'L2 table offset': t('Where the L2 table is in the file; 0 for nowhere.'),
  'host cluster offset': t('Where the cluster is in the file; 0 for nowhere.'),
  'host offset of the compressed data': t('Where the compressed data starts; not aligned.'),
  'additional sectors': t('Sectors of 512 bytes that follow the first one.'),
  'subclusters that read as zero': t('A bit for each subcluster that reads as zero.'),
  'allocated subclusters': t('A bit for each subcluster that has data here.'),
  reserved: t('Must be zero.'),
};

/** What the engine says of a value in a code. */
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
