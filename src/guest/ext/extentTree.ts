/** Extent trees ("Extent Tree"): nodes of 12-byte entries, the root in the inode, at most five levels below it. */
import { GuestError } from '../errors';
import { crc32c } from '../crc32c';
import type { Inode } from './inode';
import type { Run, Visits } from './runs';
import type { Volume } from './volume';

const MAGIC = 0xf30a;
const ENTRY = 12;
const DEEPEST = 5;
/** Longer ones are unwritten, and as much shorter. */
const LONGEST = 0x8000;

/** A node: where it is, its bytes, and what they say of themselves. */
interface Node {
  readonly view: DataView;
  /** On the device. */
  readonly offset: number;
  readonly entries: number;
  readonly depth: number;
}

/** Runs in ascending order, not touching holes: those are where no run is. @param first block of the file */
export function extentRuns(volume: Volume, inode: Inode, first: number, visits: Visits): Generator<Run> {
  const view = new DataView(inode.block.buffer, inode.block.byteOffset, inode.block.length);
  const root = nodeOf(view, inode.blockOffset);
  return new Walk(volume, inode, first, visits).below(root);
}

class Walk {
  readonly #volume: Volume;
  readonly #inode: Inode;
  readonly #first: number;
  readonly #visits: Visits;
  /** Block of the file that the next run must not begin before. */
  #reached = 0;

  constructor(volume: Volume, inode: Inode, first: number, visits: Visits) {
    this.#volume = volume;
    this.#inode = inode;
    this.#first = first;
    this.#visits = visits;
  }

  *below(node: Node): Generator<Run> {
    const { view, entries, depth } = node;
    for (let index = this.#indexOf(node); index < entries; index++) {
      const at = ENTRY * (1 + index);
      if (depth === 0) {
        yield this.#run(node, at);
        continue;
      }
      const child = view.getUint32(at + 4, true) + view.getUint16(at + 8, true) * 2 ** 32;
      yield* this.below(this.#child(child, node.offset + at, depth - 1));
    }
  }

  /** The last entry that does not begin after the block that is looked for: the ones before it end before that block. */
  #indexOf({ view, entries }: Node): number {
    let low = 0;
    let high = entries;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (view.getUint32(ENTRY * (1 + middle), true) <= this.#first) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #run({ view, offset }: Node, entry: number): Run {
    const at = view.getUint32(entry, true);
    const length = view.getUint16(entry + 4, true);
    const block = view.getUint32(entry + 8, true) + view.getUint16(entry + 6, true) * 2 ** 32;
    const isUnwritten = length > LONGEST;
    const count = isUnwritten ? length - LONGEST : length;
    if (at < this.#reached || count === 0) {
      const limit = `${this.#reached} or more, not empty`;
      throw new GuestError('guest.value', { what: 'extent', offset: offset + entry, value: at, limit });
    }
    this.#volume.expectBlocks(block, count, 'extent', offset + entry);
    this.#reached = at + count;
    return { at, count, block, isUnwritten };
  }

  #child(block: number, pointedFrom: number, depth: number): Node {
    this.#volume.expectBlocks(block, 1, 'extent block', pointedFrom);
    this.#visits.enter(this.#volume, block, 'extent block');
    const bytes = this.#volume.readBlock(block, 'extent block');
    const offset = this.#volume.offsetOf(block);
    const node = nodeOf(new DataView(bytes.buffer), offset);
    if (node.depth !== depth) {
      const facts = { what: 'eh_depth', offset, value: node.depth, limit: depth };
      throw new GuestError('guest.value', facts);
    }
    if (!this.#isRight(bytes))
      this.#visits.onChecksum(new GuestError('guest.checksum', { what: 'extent block', offset }));
    return node;
  }

  /** The checksum follows the last entry that there is room for. */
  #isRight(bytes: Uint8Array): boolean {
    if (!this.#volume.superblock.hasMetadataChecksums) return true;
    const view = new DataView(bytes.buffer);
    const end = ENTRY * (1 + view.getUint16(4, true));
    return end + 4 <= bytes.length && crc32c(this.#inode.seed, bytes, 0, end) === view.getUint32(end, true);
  }
}

/** @throws GuestError `guest.value` */
function nodeOf(view: DataView, offset: number): Node {
  const magic = view.getUint16(0, true);
  if (magic !== MAGIC)
    throw new GuestError('guest.value', { what: 'eh_magic', offset, value: magic, limit: '0xf30a' });
  const entries = view.getUint16(2, true);
  const most = Math.floor(view.byteLength / ENTRY) - 1;
  if (entries > most)
    throw new GuestError('guest.value', { what: 'eh_entries', offset, value: entries, limit: most });
  const depth = view.getUint16(6, true);
  if (depth > DEEPEST)
    throw new GuestError('guest.value', { what: 'eh_depth', offset, value: depth, limit: DEEPEST });
  return { view, offset, entries, depth };
}
