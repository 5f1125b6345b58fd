/**
 * Where the clusters of tables and their like are referred to: entries of L1 tables, of the refcount table and of bitmap
 * tables, the header, and entries of the snapshot table and the bitmap directory. Each place is 8 bytes with an offset
 * in them.
 */
import { forEachStructure, type StructureReceiver } from '../check/structures';
import { l1TablesOf } from '../check/l1Tables';
import type { Place } from '../check/referenceReceiver';
import type { Structure } from '../findingText';
import { directoryPointer } from '../format/bitmapsExtension';
import { offsetOf } from '../format/entryBits';
import { headerField } from '../format/headerFields';
import type { Qcow2Image } from '../image/qcow2Image';
import { readRefcountTable } from '../image/tableEntries';
import type { Progress } from '../progress';
import { blockOffset } from '../save/refcountReader';
import { type ByteLength, clusterOf, type HostCluster, type HostOffset, plus } from '../units';
import { PlaceList } from './placeList';

/**
 * @param moves whether a cluster is among those that are looked for
 * @throws FileError, CancelledError
 */
export function structurePlaces(
  image: Qcow2Image,
  moves: (cluster: HostCluster) => boolean,
  progress: Progress,
): PlaceList {
  const table = readRefcountTable(image.file, image.header);
  const finder = new Finder(image, table, moves);
  forEachStructure(image, l1TablesOf(image), table, finder, progress);
  // Several snapshots may have the same table.
  for (const { offset, l1TableOffset, l1Size } of image.snapshots) {
    if (l1Size > 0) finder.addPointer(offset, l1TableOffset);
  }
  return finder.places;
}

class Finder implements StructureReceiver {
  readonly places = new PlaceList(8);
  readonly #clusterSize: ByteLength;

  constructor(
    readonly image: Qcow2Image,
    readonly refcountTable: Uint32Array,
    readonly moves: (cluster: HostCluster) => boolean,
  ) {
    this.#clusterSize = image.header.clusterSize;
  }

  /** The pointer at `at` leads to `target`, both in bytes. */
  addPointer(at: HostOffset, target: HostOffset): void {
    if (target !== 0 && this.moves(clusterOf(target, this.#clusterSize))) this.places.add(at, 1);
  }

  region(structure: Structure, offset: HostOffset, _size: ByteLength, _times: number, place: Place): void {
    const at = this.#pointerTo(structure, place);
    if (at !== undefined) this.addPointer(at, offset);
  }

  l1Entry(): void {
    // The L2 table that it names is a region of its own.
  }

  bitmapEntry(at: HostOffset, high: number, low: number): void {
    this.addPointer(at, offsetOf(high, low));
  }

  refcountBlock(index: number): void {
    const at = plus(this.image.header.refcountTableOffset, index * 8);
    this.addPointer(at, blockOffset(this.refcountTable, index));
  }

  /** Where the pointer to a structure is; of snapshots' tables that is told otherwise. */
  #pointerTo(structure: Structure, { at, snapshot }: Place): HostOffset | undefined {
    const { bitmaps } = this.image.extensions;
    switch (structure) {
      case 'L1 table':
        return snapshot === undefined ? headerField('l1_table_offset').offset : undefined;
      case 'snapshot table':
        return headerField('snapshots_offset').offset;
      case 'refcount table':
        return headerField('refcount_table_offset').offset;
      case 'bitmap directory':
        return bitmaps && directoryPointer(bitmaps);
      case 'L2 table':
      case 'bitmap table':
        return at;
      default:
        return undefined;
    }
  }
}
