/** How long the snapshot table is: the header does not say. */
import { dataView } from '../format/bytes';
import type { Qcow2Image } from '../image/qcow2Image';
import type { ByteLength } from '../units';

/** Bytes of an entry before its extra data. */
const ENTRY_LENGTH = 40;

/**
 * Bytes of the snapshot table, padding after the last entry left out, as QEMU counts them.
 * @throws FileError
 */
export function snapshotTableSize({ file, header, snapshots }: Qcow2Image): ByteLength {
  const last = snapshots.at(-1);
  if (last === undefined) return 0;
  const bytes = new Uint8Array(ENTRY_LENGTH);
  file.read(bytes, last.offset);
  const entry = dataView(bytes);
  const length = ENTRY_LENGTH + entry.getUint32(36) + entry.getUint16(12) + entry.getUint16(14);
  // Entries beyond the end of the file are all zero, and have the offset of the first of them.
  const before =
    last.offset < file.size ? 0 : snapshots.filter((each) => each.offset === last.offset).length - 1;
  return last.offset + before * ENTRY_LENGTH + length - header.snapshotsOffset;
}
