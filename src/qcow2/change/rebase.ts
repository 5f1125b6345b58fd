/**
 * Gives an image another backing file, or none, as `qemu-img rebase -u` does: the header names it from then on, and no
 * guest data changes. What the image does not have itself then reads as the new file has it.
 */
import { RefusedError } from '../errors';
import { dataView } from '../format/bytes';
import { layOutBacking, type NewBacking } from '../format/backingLayout';
import { headerField } from '../format/headerFields';
import { RunKind } from '../image/layer';
import type { Qcow2Image } from '../image/qcow2Image';
import type { WritableFile } from '../io/writableFile';
import type { Progress } from '../progress';
import { type ByteLength, guestOffset, type HostOffset } from '../units';
import { clearUnknownAutoclear } from './autoclear';
import { ClusterBits } from '../clusterSet';
import type { Change, ChangeContext } from './context';
import { TallyCounter, type Amount } from './tally';

/** What a disk writes at once, in bytes. */
const FIRST_SECTOR = 512;

/**
 * @param backing undefined: the image has no backing file any more
 * @throws RefusedError for what the header cannot say; FormatError, FileError, CancelledError
 */
export function rebase(context: ChangeContext, backing: NewBacking | undefined): Change {
  const { image, file, progress } = context;
  if (backing !== undefined && image.features.rawExternalData) {
    throw new RefusedError(file.name, 'backing.rawDataFile');
  }
  const layout = layOutBacking(file, image.header, backing);
  const changed = !isSameBacking(image.backing, backing);
  const tally = new TallyCounter();
  if (changed) {
    const { offset } = layout.extensions;
    // Nothing of what stood there before is left, as far as it is written at once with the pointers.
    if (offset < FIRST_SECTOR) file.write(new Uint8Array(FIRST_SECTOR - offset), offset);
    file.write(layout.extensions.bytes, offset);
    if (layout.name.bytes.length > 0) file.write(layout.name.bytes, layout.name.offset);
    pointTo(file, layout.name.offset, layout.name.bytes.length);
    tally.autoclearBitsCleared = clearUnknownAutoclear(context.file, context.image.features);
  }
  const facts = { operation: 'rebase', start: guestOffset(0), length: 0, changed } as const;
  const counts = { freedClusters: 0, allocatedClusters: 0 };
  const rebased = {
    ...(image.backing === undefined ? {} : { before: image.backing }),
    ...(backing === undefined ? {} : { after: backing }),
    showsThrough: unallocatedIn(image, progress),
  };
  return {
    tally: { ...tally.finish({ ...facts, ...counts }, image.header.clusterSize), rebased },
    freed: new ClusterBits(),
    allocated: new ClusterBits(),
  };
}

/** Whether two headers name the same file by the same words. */
export function isSameBacking(one: NewBacking | undefined, other: NewBacking | undefined): boolean {
  return one?.name === other?.name && one?.format === other?.format;
}

function pointTo(file: WritableFile, offset: HostOffset, size: ByteLength): void {
  const fields = new Uint8Array(8);
  dataView(fields).setBigUint64(0, BigInt(offset));
  file.write(fields, headerField('backing_file_offset').offset);
  dataView(fields).setUint32(0, size);
  file.write(fields.subarray(0, 4), headerField('backing_file_size').offset);
}

/** What the image does not have itself. */
function unallocatedIn(image: Qcow2Image, progress: Progress): Amount {
  const { clusterSize } = image.header;
  let clusters = 0;
  let bytes = 0;
  image.forEachRun(guestOffset(0), guestOffset(image.size), (start, length, kind) => {
    progress.checkCancelled();
    if (kind !== RunKind.unallocated && kind !== RunKind.unallocatedSubcluster) return undefined;
    clusters += Math.ceil((start + length) / clusterSize) - Math.floor(start / clusterSize);
    bytes += length;
    return undefined;
  });
  return { clusters, bytes };
}
