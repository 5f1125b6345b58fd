/**
 * What is known to read as zero through a chain, without reading data: from entries, from ends of shorter layers, and
 * from holes of host files where QEMU looks for them (QEMU 7.2: block/qcow2.c `is_zero`).
 */
import { RunKind, type Layer } from '../image/layer';
import { type ByteLength, type GuestOffset, type HostOffset, plus } from '../units';

/** Told of stretches that are not known to be zero; returns false to stop. */
type OtherVisitor = (start: GuestOffset, length: ByteLength) => boolean;

/** Whether all guest bytes from `start` to `end` (clamped to the disk) are known to be zero. */
export function isKnownZero(layers: readonly Layer[], start: GuestOffset, end: GuestOffset): boolean {
  let isZero = true;
  forEachOther(layers, 0, start, end, () => (isZero = false));
  return isZero;
}

/**
 * Visits what the layers from `depth` down have between `start` and `end` that is not known to be zero.
 * @returns false when the visitor has stopped it
 */
export function forEachOther(
  layers: readonly Layer[],
  depth: number,
  start: GuestOffset,
  end: GuestOffset,
  visit: OtherVisitor,
): boolean {
  const layer = layers[depth];
  if (layer === undefined) {
    // Below the last layer there is nothing, or a file that was not opened.
    return layers.at(-1)?.namesBacking !== true || visit(start, end - start);
  }
  let goesOn = true;
  layer.forEachRun(start, end, (from, length, kind, host) => {
    switch (kind) {
      case RunKind.zeroPlain:
      case RunKind.zeroAllocated:
        break;
      case RunKind.unallocated:
      case RunKind.unallocatedSubcluster:
        goesOn = forEachOther(layers, depth + 1, from, plus(from, length), visit);
        break;
      case RunKind.data:
        goesOn =
          !layer.isEncrypted && layer.looksForHoles
            ? forEachData(layer, from, length, host, visit)
            : visit(from, length);
        break;
      case RunKind.missing:
      case RunKind.compressed:
        goesOn = visit(from, length);
        break;
    }
    return goesOn;
  });
  return goesOn;
}

/** Leaves out the holes of the host file. */
function forEachData(
  layer: Layer,
  start: GuestOffset,
  length: ByteLength,
  host: HostOffset,
  visit: OtherVisitor,
): boolean {
  for (let done = 0; done < length;) {
    const extent = layer.dataFile.extentAt(plus(host, done));
    const step = Math.min(extent.end - host, length) - done;
    if (!extent.isHole && !visit(plus(start, done), step)) return false;
    done += step;
  }
  return true;
}
