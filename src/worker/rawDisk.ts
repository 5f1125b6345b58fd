/** Raw disks: files without a format of their own, shown like images and never changed. */
import { isGuestError } from '../guest/errors';
import { openGuestDisk } from '../inside/guestDisk';
import type { Chain } from '../qcow2/chain/openChain';
import { EngineError, type Problem, UnsupportedError } from '../qcow2/errors';
import type { Layers } from '../qcow2/image/layer';
import { RawImage } from '../qcow2/image/rawImage';
import type { BlockFile } from '../qcow2/io/blockFile';
import { LocalFile } from '../qcow2/io/localFile';
import type { ByteLength } from '../qcow2/units';

/** What is shown of a file: an image with its chain, or a raw disk alone. */
export type ShownChain = Chain | RawChain;

export interface RawChain extends Omit<Chain, 'top'> {
  readonly top: RawImage;
  /** The same disk as the map shows it: holes are unallocated. */
  readonly withHoles: RawImage;
}

/** Bytes of a cell of the map at its finest. A raw disk has no clusters; holes come in blocks of the file system. */
export const RAW_CLUSTER: ByteLength = 64 * 1024;

export const isQcow2 = (chain: ShownChain): chain is Chain => chain.top.format === 'qcow2';

/** What the map of a chain is made of. */
export const shapeOfMap = (
  chain: ShownChain,
): { readonly layers: Layers; readonly clusterSize: ByteLength } =>
  isQcow2(chain)
    ? { layers: chain.layers, clusterSize: chain.top.header.clusterSize }
    : { layers: [chain.withHoles], clusterSize: RAW_CLUSTER };

/** @throws UnsupportedError for a raw disk */
export function qcow2Chain(chain: ShownChain): Chain {
  if (isQcow2(chain)) return chain;
  throw new UnsupportedError(chain.top.file.name, 'raw.noImage');
}

/** @throws UnsupportedError for an image */
export function rawChain(chain: ShownChain): RawChain {
  if (!isQcow2(chain)) return chain;
  throw new UnsupportedError(chain.top.file.name, 'raw.isImage');
}

/** Problems of files that may be raw disks: nothing else is known of them. */
const MAY_BE_RAW: ReadonlySet<Problem['code']> = new Set([
  'header.magic',
  'foreign.gpt',
  'foreign.mbr',
  'foreign.bootSector',
  'foreign.iso',
  'foreign.luks',
  'foreign.zeroes',
]);

/**
 * A file that is no qcow2 image, as a raw disk: one on which a partition table or a file system is found.
 * @param problem why it is no image
 * @param file is taken over if it is a raw disk
 * @throws FileError
 */
export function recogniseRaw(problem: Problem, file: BlockFile): RawChain | undefined {
  if (!MAY_BE_RAW.has(problem.code)) return undefined;
  const top = RawImage.open(file);
  const chain: RawChain = {
    top,
    withHoles: RawImage.withHoles(file),
    layers: [top],
    complete: true,
    view: { layers: [], complete: true },
    files: file instanceof LocalFile ? [file] : [],
    hasChanged: () => file instanceof LocalFile && file.hasChanged(),
    isIntact: () => !(file instanceof LocalFile && file.hasChanged()),
    close: () => {
      file.close();
    },
  };
  return holdsSomething(chain) ? chain : undefined;
}

function holdsSomething({ layers }: RawChain): boolean {
  try {
    const { table, parts } = openGuestDisk(layers);
    return table.partitions.length > 0 || parts.some(({ signatures }) => signatures.length > 0);
  } catch (error) {
    if (isGuestError(error) || error instanceof EngineError) return false;
    throw error;
  }
}
