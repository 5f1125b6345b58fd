/**
 * Changes an image that was not checked. In the program a guard refuses a damaged image first; here the engine itself has
 * to finish the change or throw an `EngineError`.
 */
import { ClusterBits } from '../../src/qcow2/clusterSet';
import type { Change, ChangeContext } from '../../src/qcow2/change/context';
import { discard } from '../../src/qcow2/change/discard';
import { writeGuest } from '../../src/qcow2/change/write';
import { writeZeroes } from '../../src/qcow2/change/writeZeroes';
import type { Layers } from '../../src/qcow2/image/layer';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import type { Layer } from '../../src/qcow2/image/layer';
import type { BlockFile } from '../../src/qcow2/io/blockFile';
import { PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import { silent } from '../../src/qcow2/progress';
import { guestOffset, hostCluster } from '../../src/qcow2/units';

/** Guest bytes of one change, at most, and clusters. */
const MOST_BYTES = 2 ** 21;
const MOST_CLUSTERS = 64;

const UNMAP = { unmap: true, fallback: true, policy: 'unallocate', thorough: true } as const;
const KEEP = { unmap: false, fallback: true, policy: 'zero-flag', thorough: false } as const;

export interface ChangedFiles {
  readonly file: BlockFile;
  readonly dataFile: BlockFile | undefined;
  /** What lies below, if the image names a backing file. */
  readonly base: Layer;
}

/** @param ask runs one change; an error of the engine's own is an answer */
export function exerciseChanges(
  files: ChangedFiles,
  ask: (question: string, make: () => void) => void,
): void {
  const store = new PageStore('/nonexistent/scratch');
  const file = new StagedFile(files.file, store);
  // Opened once, as for a document.
  const onDisk = Qcow2Image.open(files.file);
  const dataFile = files.dataFile && new StagedFile(files.dataFile, store);
  const change = (question: string, make: (context: ChangeContext) => Change): void => {
    ask(question, () => {
      const { state } = file;
      try {
        const image = Qcow2Image.open(file, { dataFile, former: onDisk });
        image.refuseFaults('change');
        const disk = onDisk.refcounts;
        const layers: Layers = image.namesBacking ? [image, files.base] : [image];
        const refcountOf = (cluster: number): number => disk.of(hostCluster(cluster));
        const held = new ClusterBits();
        make({ image, file, dataFile, layers, disk: { refcountOf }, held, progress: silent });
      } catch (error) {
        file.state = state;
        throw error;
      }
    });
  };
  const length = ({ image }: ChangeContext, start: number): number =>
    Math.max(0, Math.min(MOST_BYTES, MOST_CLUSTERS * image.header.clusterSize, image.size - start));
  change('write', (context) =>
    writeGuest(context, Buffer.alloc(Math.min(70_000, length(context, 100)), 7), guestOffset(100)),
  );
  change('zero and keep', (context) => writeZeroes(context, guestOffset(1000), length(context, 1000), KEEP));
  change('discard', (context) => discard(context, guestOffset(777), length(context, 777)));
  change('write again', (context) =>
    writeGuest(context, Buffer.alloc(length(context, 0), 9), guestOffset(0)),
  );
  change('zero and unmap', (context) => writeZeroes(context, guestOffset(0), length(context, 0), UNMAP));
  store.close();
}
