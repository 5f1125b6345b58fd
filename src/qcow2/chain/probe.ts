/**
 * What a backing file is, where the overlay does not say: the content is looked at only to tell qcow2 from raw.
 * A guest can write anything to a raw disk, a qcow2 header too, so the chain says that it was probed.
 */
import { dataView } from '../format/bytes';
import { qemuFormatOf } from '../format/foreign';
import { MAGIC } from '../format/headerFields';
import type { BlockFile } from '../io/blockFile';
import { hostOffset } from '../units';

export type ProbedFormat =
  | { readonly format: 'qcow2' | 'raw' }
  /** QEMU would take it for this format, which is not read here; taking it for raw would show nonsense. */
  | { readonly format: 'unknown'; readonly name: string };

const SAMPLE_BYTES = 80;

/**
 * Looks at the first bytes of a file. qcow2 is magic `QFI\xfb` with version 2 or more, as in QEMU: a version that
 * is not read then fails as qcow2, not as raw.
 * @throws FileError when they cannot be read.
 */
export function probeFormat(file: BlockFile): ProbedFormat {
  const sample = new Uint8Array(SAMPLE_BYTES);
  file.read(sample, hostOffset(0));
  const view = dataView(sample);
  if (view.getUint32(0) === MAGIC && view.getUint32(4) >= 2) return { format: 'qcow2' };
  const name = qemuFormatOf(sample);
  return name === undefined ? { format: 'raw' } : { format: 'unknown', name };
}
