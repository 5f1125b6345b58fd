/** Reading the contents of an attribute: resident, in clusters with holes, or compressed. */
import { type BlockDevice, expectOnDevice } from '../blockDevice';
import { GuestError } from '../errors';
import { deviceOffset } from '../units';
import type { Geometry } from './bootSector';
import { decompress } from './lznt1';
import { COMPRESSED_MASK, ENCRYPTED, LZNT1 } from './record';
import type { Runs } from './runs';

export interface StreamVolume {
  readonly device: BlockDevice;
  readonly geometry: Geometry;
}

export interface Stream {
  /** Bytes. */
  readonly size: number;
  /** Bytes from the start that were written; what follows reads as zeroes. */
  readonly initialised: number;
  /** Of the attribute: COMPRESSED_MASK, ENCRYPTED, SPARSE. */
  readonly flags: number;
  /** Clusters that are compressed together. */
  readonly unitClusters: number;
  /** Contents in the record itself. */
  readonly resident: Uint8Array | undefined;
  /** Where the contents are, if they are not resident. */
  readonly runs: Runs | undefined;
  /** The unit that was decompressed last. */
  unit?: { readonly index: number; readonly bytes: Uint8Array } | undefined;
}

/** Bytes of a unit: Windows makes 16 clusters of at most 4 KiB one. */
const LARGEST_UNIT = 1024 * 1024;

export const isCompressed = ({ flags, runs }: Stream): boolean =>
  (flags & COMPRESSED_MASK) !== 0 && runs !== undefined;

/**
 * @param at bytes from the start of the contents
 * @returns bytes read: fewer than `target` has at the end only
 * @throws GuestError where the contents cannot be read
 */
export function readStream(volume: StreamVolume, stream: Stream, at: number, target: Uint8Array): number {
  if ((stream.flags & ENCRYPTED) !== 0) throw new GuestError('ntfs.encrypted');
  const length = Math.max(0, Math.min(target.length, stream.size - at));
  const written = Math.max(0, Math.min(length, stream.initialised - at));
  target.fill(0, written, length);
  const part = target.subarray(0, written);
  if (stream.resident !== undefined) part.set(stream.resident.subarray(at, at + written));
  else if (stream.runs !== undefined && written > 0) {
    if (isCompressed(stream)) readCompressed(volume, stream, stream.runs, at, part);
    else readClusters(volume, stream.runs, at, part);
  }
  return length;
}

/** Fills `target` from clusters; holes read as zeroes. */
function readClusters(volume: StreamVolume, runs: Runs, at: number, target: Uint8Array): void {
  const { clusterSize } = volume.geometry;
  let index = runs.indexAt(Math.floor(at / clusterSize));
  for (let done = 0; done < target.length; index++) {
    const { vcn, length, lcn } = runs.run(index);
    const within = at + done - vcn * clusterSize;
    const part = target.subarray(done, done + Math.min(target.length - done, length * clusterSize - within));
    if (lcn === undefined) part.fill(0);
    else volume.device.read(part, deviceOffset(lcn * clusterSize + within));
    done += part.length;
  }
}

function readCompressed(
  volume: StreamVolume,
  stream: Stream,
  runs: Runs,
  at: number,
  target: Uint8Array,
): void {
  const { flags, unitClusters } = stream;
  const unitSize = unitClusters * volume.geometry.clusterSize;
  if ((flags & COMPRESSED_MASK) !== LZNT1 || unitClusters === 0 || unitSize > LARGEST_UNIT) {
    const value = `0x${flags.toString(16)}, ${unitSize}`;
    throw new GuestError('guest.notRead', { what: 'compressed contents', value });
  }
  for (let done = 0; done < target.length;) {
    const index = Math.floor((at + done) / unitSize);
    const within = at + done - index * unitSize;
    const part = target.subarray(done, done + Math.min(target.length - done, unitSize - within));
    if (stream.unit?.index !== index) readUnit(volume, stream, runs, index, unitSize, part, within);
    if (stream.unit?.index === index) part.set(stream.unit.bytes.subarray(within, within + part.length));
    done += part.length;
  }
}

/**
 * Fills `part` with the bytes of a unit from `within` on, or keeps the whole unit decompressed. A unit without clusters is
 * zeroes, one with all its clusters is not compressed, and one with some of them is.
 */
function readUnit(
  volume: StreamVolume,
  stream: Stream,
  runs: Runs,
  index: number,
  unitSize: number,
  part: Uint8Array,
  within: number,
): void {
  const first = index * stream.unitClusters;
  const taken = clustersTaken(runs, first, stream.unitClusters);
  if (taken === 0) part.fill(0);
  else if (taken === stream.unitClusters || first + taken === runs.end)
    readClusters(volume, runs, index * unitSize + within, part);
  else {
    const packed = new Uint8Array(taken * volume.geometry.clusterSize);
    readClusters(volume, runs, index * unitSize, packed);
    const bytes = stream.unit?.bytes ?? new Uint8Array(unitSize);
    // Damaged units leave it in between.
    stream.unit = undefined;
    decompress(packed, bytes);
    stream.unit = { index, bytes };
  }
}

/** Clusters of a unit in front of its first hole. */
function clustersTaken(runs: Runs, first: number, count: number): number {
  const end = Math.min(first + count, runs.end);
  for (let index = runs.indexAt(first); index < runs.count; index++) {
    const { vcn, lcn } = runs.run(index);
    if (vcn >= end) break;
    if (lcn === undefined) return Math.max(0, vcn - first);
  }
  return end - first;
}

/** The clusters of contents as stretches of the device; empty where they are resident. @throws GuestError `guest.beyond` */
export function* placesOf(
  volume: StreamVolume,
  { runs, size }: Stream,
): Generator<{ at: number; length: number; place: number | undefined }> {
  if (runs === undefined) return;
  const { clusterSize } = volume.geometry;
  for (let index = 0; index < runs.count; index++) {
    const { vcn, length, lcn } = runs.run(index);
    const at = vcn * clusterSize;
    // Clusters may be allocated ahead.
    if (at >= size && lcn === undefined) return;
    const bytes = length * clusterSize;
    const place = lcn === undefined ? undefined : lcn * clusterSize;
    if (place !== undefined) expectOnDevice(volume.device, place, bytes, 'run');
    yield { at, length: bytes, place };
  }
}
