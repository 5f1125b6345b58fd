/**
 * Parses the header (qcow2.txt, "Header") and checks it as QEMU checks it when it opens an image, in the same order, so
 * that an image that breaks several rules is refused for the same reason.
 */
import { hex } from '../../text/hex';
import type { FormatError } from '../errors';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, hostOffset, type HostOffset } from '../units';
import { strict, type FaultSink } from './faults';
import { decodeFeatures, KNOWN_INCOMPATIBLE, setBits, type Features } from './features';
import { foreignKind, HEAD_BYTES, TAIL_BYTES } from './foreign';
import type { CompressionType, Header } from './header';
import { featureNamesInImage } from './headerExtensions';
import {
  headerField,
  KNOWN_HEADER_LENGTH,
  MAGIC,
  V2_HEADER_LENGTH,
  V3_MIN_HEADER_LENGTH,
} from './headerFields';
import { checkTables, NO_L1_TABLE, NO_REFCOUNT_TABLE } from './headerTables';
import {
  MAX_CLUSTER_BITS,
  MAX_REFCOUNT_ORDER,
  MIN_CLUSTER_BITS,
  MIN_SUBCLUSTER_SIZE,
  SUBCLUSTERS,
} from './limits';
import { RawHeader } from './rawHeader';

/**
 * Reads and checks the header at the start of `file`.
 * @param faults receives what breaks the specification or is not known to this program
 * @throws FormatError, UnsupportedError where magic, version or cluster size cannot be read; FileError
 */
export function parseHeader(file: BlockFile, faults: FaultSink = strict): Header {
  const bytes = new Uint8Array(KNOWN_HEADER_LENGTH);
  file.read(bytes, hostOffset(0));
  const raw = new RawHeader(file, bytes);

  const version = checkVersion(raw);
  const clusterBits = checkClusterBits(raw);
  // Shifted: a power is a floating point number to V8, and so would be all that hot loops add it to.
  const clusterSize = 1 << clusterBits;
  const headerLength = faults.attempt(
    'header',
    'repair',
    () => checkHeaderLength(raw, version, clusterSize),
    clusterSize,
  );
  const backingFileOffset = faults.attempt(
    'backing file',
    'repair',
    () => checkBackingFileOffset(raw, clusterSize),
    hostOffset(0),
  );
  const extensionsEnd = backingFileOffset === 0 ? hostOffset(clusterSize) : backingFileOffset;

  const features =
    version === 2
      ? decodeFeatures(0n, 0n, 0n)
      : decodeFeatures(
          raw.wide('incompatible_features'),
          raw.wide('compatible_features'),
          raw.wide('autoclear_features'),
        );
  const compressionType = faults.attempt(
    'compression type',
    'repair',
    () => checkCompressionType(raw, headerLength, features),
    'deflate',
  );
  const subclusterSize = faults.attempt(
    'features',
    'repair',
    () => {
      refuseUnknownFeatures(raw, features, headerLength, extensionsEnd);
      return checkSubclusterSize(raw, features, clusterSize);
    },
    undefined,
  );
  const refcountOrder =
    version === 2 ? 4 : faults.attempt('refcounts', 'repair', () => checkRefcountOrder(raw), undefined);

  const l2EntrySize = features.extendedL2 ? 16 : 8;
  const l2Span = (clusterSize / l2EntrySize) * clusterSize;
  const tables = checkTables(raw, clusterSize, l2Span, faults);
  return {
    version,
    backingFileOffset,
    backingFileSize: raw.number('backing_file_size'),
    clusterBits,
    clusterSize,
    cryptMethod: raw.number('crypt_method'),
    features,
    refcountOrder: refcountOrder ?? 4,
    refcountBits: 1 << (refcountOrder ?? 4),
    headerLength,
    compressionType,
    extensionsEnd,
    l2EntrySize,
    l2Entries: clusterSize / l2EntrySize,
    l2Span,
    subclusterSize: subclusterSize ?? clusterSize,
    ...tables,
    // Without the features there is no telling what a table means, and without the width of a refcount what a block means.
    ...(subclusterSize === undefined ? NO_L1_TABLE : {}),
    ...(refcountOrder === undefined ? NO_REFCOUNT_TABLE : {}),
  };
}

function checkVersion(raw: RawHeader): 2 | 3 {
  const magic = raw.number('magic');
  const version = raw.number('version');
  if (magic !== MAGIC || version === 1) throw notQcow2(raw, magic);
  if (version === 2 || version === 3) return version;
  throw raw.unsupported('header.version', 'version', { value: version });
}

/** Says what the file is instead, where that can be told. */
function notQcow2(raw: RawHeader, magic: number): FormatError {
  const { file } = raw;
  if (file.size === 0) return raw.broken('header.empty', 'magic');
  const head = new Uint8Array(Math.min(HEAD_BYTES, file.size));
  const tail = new Uint8Array(Math.min(TAIL_BYTES, file.size));
  file.read(head, hostOffset(0));
  file.read(tail, hostOffset(file.size - tail.length));
  const kind = foreignKind(head, tail);
  return kind === undefined
    ? raw.broken('header.magic', 'magic', { value: hex(magic), limit: hex(MAGIC) })
    : raw.broken(`foreign.${kind}`, 'magic');
}

function checkClusterBits(raw: RawHeader): number {
  const bits = raw.number('cluster_bits');
  if (bits >= MIN_CLUSTER_BITS && bits <= MAX_CLUSTER_BITS) return bits;
  throw raw.broken('header.clusterBits', 'cluster_bits', {
    value: bits,
    limit: `${MIN_CLUSTER_BITS}–${MAX_CLUSTER_BITS}`,
  });
}

function checkHeaderLength(raw: RawHeader, version: 2 | 3, clusterSize: ByteLength): number {
  if (version === 2) return V2_HEADER_LENGTH;
  const length = raw.number('header_length');
  if (length < V3_MIN_HEADER_LENGTH) {
    const facts = { value: length, limit: V3_MIN_HEADER_LENGTH };
    throw raw.broken('header.tooShort', 'header_length', facts);
  }
  if (length > clusterSize) {
    throw raw.broken('header.exceedsCluster', 'header_length', { value: length, limit: clusterSize });
  }
  return length;
}

function checkBackingFileOffset(raw: RawHeader, clusterSize: ByteLength): HostOffset {
  const offset = raw.wide('backing_file_offset');
  if (offset <= BigInt(clusterSize)) return hostOffset(Number(offset));
  throw raw.broken('header.backingFileOffset', 'backing_file_offset', {
    value: hex(offset),
    limit: clusterSize,
  });
}

function checkCompressionType(raw: RawHeader, headerLength: ByteLength, features: Features): CompressionType {
  // Headers that end before the field have deflate (qcow2.txt, byte 104).
  const { offset } = headerField('compression_type');
  const type = headerLength > offset ? raw.number('compression_type') : 0;
  if (type > 1) throw raw.unsupported('header.compressionType', 'compression_type', { value: type });
  if (type === 0 && features.compressionType) {
    throw raw.broken('header.compressionBitSet', 'compression_type', { value: type });
  }
  if (type !== 0 && !features.compressionType) {
    throw raw.broken('header.compressionBitClear', 'compression_type', { value: type });
  }
  return type === 0 ? 'deflate' : 'zstd';
}

function refuseUnknownFeatures(raw: RawHeader, features: Features, start: ByteLength, end: number): void {
  const unknown = features.incompatible & ~KNOWN_INCOMPATIBLE;
  if (unknown === 0n) return;
  const names = featureNamesInImage(raw.file, hostOffset(start), end);
  const named = setBits(unknown).map((bit) => names.get(`incompatible ${bit}`) ?? `bit ${bit}`);
  throw raw.unsupported('header.incompatibleFeatures', 'incompatible_features', { value: named.join(', ') });
}

function checkSubclusterSize(raw: RawHeader, features: Features, clusterSize: ByteLength): number {
  if (!features.extendedL2) return clusterSize;
  const size = clusterSize / SUBCLUSTERS;
  if (size >= MIN_SUBCLUSTER_SIZE) return size;
  throw raw.unsupported('header.subclusterSize', 'cluster_bits', { value: size, limit: MIN_SUBCLUSTER_SIZE });
}

function checkRefcountOrder(raw: RawHeader): number {
  const order = raw.number('refcount_order');
  if (order <= MAX_REFCOUNT_ORDER) return order;
  throw raw.broken('header.refcountOrder', 'refcount_order', { value: order, limit: MAX_REFCOUNT_ORDER });
}
