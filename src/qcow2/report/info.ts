/**
 * The fields and shapes of `qemu-img info --output=json` (QEMU 7.2), under its names. Keys are in the order in which
 * QEMU prints them (that of its hash table), so that both forms of output can be compared as they are.
 */
import type { Snapshot } from '../format/snapshotTable';
import type { Layer } from '../image/layer';
import type { Qcow2Image } from '../image/qcow2Image';
import { bitmapFlags } from './bitmapFlags';
import { luksInfo } from './luksInfo';
import type { JsonValue } from '../../text/qemuJson';

/** Values beyond 2^53 (only in hostile snapshots) are `bigint`: write it with `qemuJson`. */
export interface ImageInfo {
  readonly filename: string;
  readonly [field: string]: JsonValue | undefined;
}

const NANOSECONDS = 1_000_000_000n;

/** @param fullBackingName the backing name joined to the image's folder (chain/names.ts); absent without one */
export function imageInfo(image: Qcow2Image, fullBackingName: string | undefined): ImageInfo {
  const { backing, header, snapshots } = image;
  return {
    'backing-filename-format': backing?.format,
    snapshots: snapshots.length === 0 ? undefined : snapshotInfos(snapshots),
    'virtual-size': image.size,
    filename: image.file.name,
    'cluster-size': header.clusterSize,
    format: 'qcow2',
    'actual-size': image.file.allocatedBytes,
    'format-specific': { type: 'qcow2', data: formatSpecific(image) },
    'full-backing-filename': backing === undefined ? undefined : fullBackingName,
    encrypted: image.isEncrypted ? true : undefined,
    'backing-filename': backing?.name,
    'dirty-flag': header.features.dirty,
  };
}

/** A raw file at the bottom of a chain. */
export function rawInfo({ file, size }: Layer): ImageInfo {
  return {
    'virtual-size': size,
    filename: file.name,
    format: 'raw',
    'actual-size': file.allocatedBytes,
    'dirty-flag': false,
  };
}

function formatSpecific(image: Qcow2Image): JsonValue {
  const { header, bitmaps } = image;
  const common = {
    'compression-type': header.compressionType === 'deflate' ? 'zlib' : 'zstd',
    'refcount-bits': header.refcountBits,
  };
  if (header.version === 2) return { compat: '0.10', ...common, encrypt: encryptInfo(image) };
  return {
    compat: '1.1',
    'compression-type': common['compression-type'],
    'lazy-refcounts': header.features.lazyRefcounts,
    bitmaps: bitmaps.length === 0 ? undefined : bitmaps.map(bitmapInfo),
    'refcount-bits': common['refcount-bits'],
    'data-file': image.dataFileName,
    encrypt: encryptInfo(image),
    'data-file-raw': image.hasDataFile ? header.features.rawExternalData : undefined,
    corrupt: header.features.corrupt,
    'extended-l2': header.features.extendedL2,
  };
}

type Bitmap = Qcow2Image['bitmaps'][number];

function bitmapInfo(bitmap: Bitmap): JsonValue {
  return { flags: bitmapFlags(bitmap), name: bitmap.name, granularity: bitmap.granularity };
}

function encryptInfo(image: Qcow2Image): JsonValue | undefined {
  if (image.encryption === undefined) return undefined;
  if (image.encryption === 'aes') return { format: 'aes' };
  return image.luksHeader === undefined ? undefined : luksInfo(image.luksHeader);
}

/** Entries beyond the end of the file are one object, and so is what is said of them. */
function snapshotInfos(snapshots: readonly Snapshot[]): JsonValue[] {
  let last: Snapshot | undefined;
  let info: JsonValue = {};
  return snapshots.map((snapshot) => {
    if (snapshot !== last) info = snapshotInfo(snapshot);
    last = snapshot;
    return info;
  });
}

function snapshotInfo(snapshot: Snapshot): JsonValue {
  const { vmClockNanoseconds: clock, icount } = snapshot;
  return {
    icount: icount === undefined ? undefined : signed(icount),
    'vm-clock-nsec': Number(clock % NANOSECONDS),
    name: snapshot.name,
    'date-sec': snapshot.dateSeconds,
    'date-nsec': snapshot.dateNanoseconds,
    'vm-clock-sec': signed(clock / NANOSECONDS),
    id: snapshot.id,
    'vm-state-size': signed(snapshot.vmStateSize),
  };
}

/** QEMU shows these 64 bits as a signed number. */
function signed(value: bigint): number | bigint {
  const number = BigInt.asIntN(64, value);
  return number <= BigInt(Number.MAX_SAFE_INTEGER) && number >= BigInt(Number.MIN_SAFE_INTEGER)
    ? Number(number)
    : number;
}
