/** Tables of 64-bit entries (L1 tables, tables of bitmaps, the refcount table), read in pieces or as a whole. */
import { HIGH, LOW, wordsInPlace } from '../format/bytes';
import type { Header } from '../format/header';
import type { BlockFile } from '../io/blockFile';
import { type ByteLength, type HostOffset, plus } from '../units';
import { SCRATCH_SIZE, withScratch } from './scratch';

/** Told of an entry that is not zero. @param index of the entry in its table */
export type EntryVisitor = (index: number, high: number, low: number) => void;

/**
 * Visits the entries of a table that are not zero; there are none beyond the end of the file.
 * @param size of the table
 * @param between called before each piece is read, with the index of its first entry
 * @throws FileError
 */
export function forEachTableEntry(
  file: BlockFile,
  start: HostOffset,
  size: ByteLength,
  visit: EntryVisitor,
  between: (index: number) => void,
): void {
  withScratch(({ bytes: buffer }) => {
    for (let done = 0; done < size; done += SCRATCH_SIZE) {
      between(done / 8);
      const offset = plus(start, done);
      if (offset >= file.size) return;
      const bytes = buffer.subarray(0, Math.min(SCRATCH_SIZE, size - done));
      const extent = file.extentAt(offset);
      if (extent.isHole && extent.end >= offset + bytes.length) continue;
      file.read(bytes, offset);
      forEachEntry(wordsInPlace(bytes), (index, high, low) => {
        visit(done / 8 + index, high, low);
      });
    }
  });
}

/** The same of entries in memory. @param words two an entry */
export function forEachEntry(words: Uint32Array, visit: EntryVisitor): void {
  for (let at = 0; at < words.length; at += 2) {
    if ((words[at]! | words[at + 1]!) !== 0) visit(at / 2, words[at + HIGH]!, words[at + LOW]!);
  }
}

/** The refcount table as 32-bit words, two an entry. At most 8 MiB, which the header's checks see to. */
export function readRefcountTable(file: BlockFile, header: Header): Uint32Array {
  const bytes = new Uint8Array(header.refcountTableClusters * header.clusterSize);
  file.read(bytes, header.refcountTableOffset);
  return wordsInPlace(bytes);
}
