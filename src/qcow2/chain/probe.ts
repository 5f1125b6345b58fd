/**
 * What a backing file is, where the overlay does not say: the content is looked at only to tell qcow2 from raw.
 * A guest can write anything to a raw disk, a qcow2 header too, so the chain says that it was probed.
 */
import type { BlockFile } from '../io/blockFile';

export type ProbedFormat =
  | { readonly format: 'qcow2' | 'raw' }
  /** QEMU would take it for this format, which is not read here; taking it for raw would show nonsense. */
  | { readonly format: 'unknown'; readonly name: string };

const SAMPLE_BYTES = 80;

/** Formats that QEMU knows by their first bytes. `at` is the offset of the magic. */
const OTHER_FORMATS: readonly { readonly name: string; readonly at: number; readonly magic: string }[] = [
  { name: 'vmdk', at: 0, magic: 'KDMV' },
  { name: 'vmdk', at: 0, magic: 'COWD' },
  { name: 'vmdk', at: 0, magic: '# Disk DescriptorFile' },
  { name: 'vhdx', at: 0, magic: 'vhdxfile' },
  { name: 'vpc', at: 0, magic: 'conectix' },
  { name: 'qed', at: 0, magic: 'QED\0' },
  { name: 'luks', at: 0, magic: 'LUKS\xba\xbe' },
  { name: 'parallels', at: 0, magic: 'WithoutFreeSpace' },
  { name: 'parallels', at: 0, magic: 'WithouFreSpacExt' },
  { name: 'vdi', at: 64, magic: '\x7f\x10\xda\xbe' },
];

/**
 * Looks at the first bytes of a file. qcow2 is magic `QFI\xfb` with version 2 or more, as in QEMU: a version that
 * is not read then fails as qcow2, not as raw.
 * @throws FileError when they cannot be read.
 */
export function probeFormat(file: BlockFile): ProbedFormat {
  const sample = new Uint8Array(SAMPLE_BYTES);
  file.read(sample, 0);
  const text = Buffer.from(sample.buffer).toString('latin1');
  if (text.startsWith('QFI\xfb')) {
    const version = new DataView(sample.buffer).getUint32(4);
    return version >= 2 ? { format: 'qcow2' } : { format: 'unknown', name: 'qcow' };
  }
  const other = OTHER_FORMATS.find(({ at, magic }) => text.startsWith(magic, at));
  return other === undefined ? { format: 'raw' } : { format: 'unknown', name: other.name };
}
