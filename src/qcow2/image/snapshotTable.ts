/**
 * The snapshot table of an open image. A table of 65,536 entries takes long to read, and a repair opens the image many
 * times, so an image that is opened again reuses the table if it would be read the same.
 */
import { FaultCollector, type Fault } from '../format/faults';
import type { Header } from '../format/header';
import { readSnapshots, type Snapshot } from '../format/snapshotTable';
import { crypto } from '../io/crypto';
import type { BlockFile } from '../io/blockFile';
import { type HostOffset, plus } from '../units';

export interface SnapshotTable {
  readonly snapshots: readonly Snapshot[];
  readonly faults: readonly Fault[];
  /** Bytes from the start of the file to the end of the last entry that was read. */
  readonly end: HostOffset;
  /** Of all that was read. Absent where it is quicker to read the table again. */
  readonly fingerprint: string | undefined;
}

/** Entries, and bytes of them, that are read as quickly as they are compared. */
const FEW = 1024;
const FEW_BYTES = 1024 * 1024;
/** Bytes that are compared, at most: extra data that is read over may have more. */
const MOST_COMPARED = 64 * 1024 * 1024;
const PIECE = 64 * 1024;

/**
 * @param former of the same file
 * @throws FileError
 */
export function openSnapshotTable(file: BlockFile, header: Header, former?: SnapshotTable): SnapshotTable {
  if (former?.fingerprint !== undefined && former.fingerprint === fingerprintOf(file, header, former.end)) {
    return former;
  }
  const collector = new FaultCollector();
  const { snapshots, end } = readSnapshots(file, header, collector);
  // A few entries may have names of 64 KiB each, which take memory again for each image that is open.
  const isLong = snapshots.length > FEW || end - header.snapshotsOffset > FEW_BYTES;
  const fingerprint = isLong ? fingerprintOf(file, header, end) : undefined;
  return { snapshots, faults: collector.faults, end, fingerprint };
}

/**
 * Entries follow one another: the same bytes up to the end of the last one are the same entries. How long the file is
 * matters where it ends before them.
 */
function fingerprintOf(file: BlockFile, header: Header, end: HostOffset): string | undefined {
  const { snapshotsOffset: start, snapshotCount } = header;
  if (end <= start || end - start > MOST_COMPARED) return undefined;
  // In sectors: what is staged over a file begins a new one.
  const fileEnd = Math.ceil(file.size / 512) * 512;
  const hash = crypto()
    .createHash('sha256')
    .update(`${start} ${snapshotCount} ${end} ${Math.min(end, fileEnd)}`);
  const piece = new Uint8Array(PIECE);
  for (let at = start; at < end; at = plus(at, PIECE)) {
    const bytes = piece.subarray(0, Math.min(PIECE, end - at));
    file.read(bytes, at);
    hash.update(bytes);
  }
  return hash.digest('hex');
}
