/** Compares what the reader says of a FAT image with what dosfstools and mtools say. */
import { openFat } from '../../../src/guest/fat/fat';
import { forEachFile } from '../../../src/guest/walk';
import { silent } from '../../../src/qcow2/progress';
import { FileDevice } from './devices';
import { checkFat, freeByHand, judgedTree } from './fatTools';
import { freeOf, treeOf } from './tree';

/**
 * @param scratch a folder to be made
 * @returns how many files were compared
 * @throws Error with the first difference
 */
export function judgeFat(image: string, scratch: string): number {
  const device = new FileDevice(image);
  try {
    const system = openFat(device);
    const theirs = judgedTree(image, scratch);
    const ours = treeOf(system);
    if (ours.size !== theirs.size) throw new Error(`${ours.size} files, not ${theirs.size}`);
    const modified = new Map<string, number | undefined>();
    const tell = ({ path, entry, type }: Parameters<Parameters<typeof forEachFile>[2]>[0]): void => {
      if (type === 'file') modified.set(path, system.stat(entry.id).modified);
    };
    forEachFile(system, system.root, tell, () => undefined, silent);
    for (const [path, their] of theirs) {
      const our = {
        ...ours.get(path),
        ...(their.type === 'file' ? { modified: modified.get(path) } : { modified: 0 }),
      };
      if (
        our.type !== their.type ||
        our.size !== their.size ||
        our.content !== their.content ||
        our.modified !== their.modified
      )
        throw new Error(`${path}: ${JSON.stringify(our)}, not ${JSON.stringify(their)}`);
    }
    const report = checkFat(image);
    if (system.doubts.length > 0) throw new Error(JSON.stringify(system.doubts));
    expectEqual('kind', system.kind, `FAT${report.bits}`);
    expectEqual('cluster size', system.blockSize, report.clusterSize);
    expectEqual('used', system.used(silent), report.usedClusters * report.clusterSize);
    expectEqual('free', JSON.stringify(freeOf(system)), JSON.stringify(freeByHand(image, report)));
    return theirs.size;
  } finally {
    device.close();
  }
}

function expectEqual(what: string, ours: unknown, theirs: unknown): void {
  if (ours !== theirs) throw new Error(`${what}: ${String(ours)}, not ${String(theirs)}`);
}
