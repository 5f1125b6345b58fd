/** The L1 tables of an image, the active one and those of snapshots, read in pieces. */
import { HIGH, LOW, wordsInPlace } from '../format/bytes';
import { l1TableFault } from '../format/snapshotTable';
import type { BlockFile } from '../io/blockFile';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ByteLength, type HostOffset, plus } from '../units';

export interface L1Table {
  /** Bytes from the start of the image file. */
  readonly offset: HostOffset;
  /** Entries. */
  readonly size: ByteLength;
  readonly isActive: boolean;
  /** Snapshots that have this very table; 1 for the active one. */
  readonly times: number;
  /** The first of them, by its place in the snapshot table. */
  readonly snapshot?: number;
}

/** Told of an entry that is not zero. */
export type L1Visitor = (index: number, high: number, low: number) => void;

/** The active table first; snapshots with the same table are one. Those whose table cannot be one are left out. */
export function l1TablesOf(image: Qcow2Image): L1Table[] {
  const { header, snapshots } = image;
  const active = { offset: header.l1TableOffset, size: header.l1Size, isActive: true, times: 1 };
  const shared = new Map<string, { -readonly [Field in keyof L1Table]: L1Table[Field] }>();
  snapshots.forEach((each, snapshot) => {
    const { l1TableOffset, l1Size } = each;
    if (l1Size === 0 || l1TableFault(each, header.clusterSize) !== undefined) return;
    const key = `${l1TableOffset} ${l1Size}`;
    const known = shared.get(key);
    if (known !== undefined) known.times++;
    else {
      const table = { offset: l1TableOffset, size: l1Size, isActive: false, times: 1, snapshot };
      shared.set(key, table);
    }
  });
  return [active, ...shared.values()].filter(({ size }) => size > 0);
}

const PIECE = 64 * 1024;

/**
 * Visits the entries that are not zero.
 * @param between called before each piece is read, with the index of its first entry
 * @throws FileError
 */
export function forEachL1Entry(
  file: BlockFile,
  table: L1Table,
  visit: L1Visitor,
  between: (index: number) => void,
): void {
  const buffer = new Uint8Array(Math.min(PIECE, table.size * 8));
  const end = table.size * 8;
  for (let done = 0; done < end; done += PIECE) {
    between(done / 8);
    const offset = plus(table.offset, done);
    if (offset >= file.size) return;
    const bytes = buffer.subarray(0, Math.min(PIECE, end - done));
    const extent = file.extentAt(offset);
    if (extent.isHole && extent.end >= offset + bytes.length) continue;
    file.read(bytes, offset);
    const words = wordsInPlace(bytes);
    for (let at = 0; at < words.length; at += 2) {
      if ((words[at]! | words[at + 1]!) !== 0) visit(done / 8 + at / 2, words[at + HIGH]!, words[at + LOW]!);
    }
  }
}
