/** An image that is not on a local disk, opened from its bytes, without the files that it names. */
import { LONGEST_TEXT, shortened } from '../text/printable';
import type { Chain } from '../qcow2/chain/openChain';
import { Qcow2Image } from '../qcow2/image/qcow2Image';
import { MemoryFile } from '../qcow2/io/memoryFile';
import { RefusedError } from '../qcow2/errors';
import type { Problem } from '../qcow2/errors';

/** @throws EngineError when the image itself cannot be opened */
export function openMemoryChain(name: string, bytes: Uint8Array): Chain {
  const file = new MemoryFile(name, bytes);
  const top = Qcow2Image.open(file);
  const problem = whatIsMissing(top);
  const backing: Chain['view']['layers'] =
    top.backing === undefined || problem === undefined
      ? []
      : [
          {
            depth: 1,
            nameAsWritten: top.backing.name,
            format: 'unknown',
            formatWasProbed: false,
            state: 'notOpened',
            problem,
            notes: [],
          },
        ];
  return {
    top,
    layers: [top],
    complete: problem === undefined,
    ...(problem === undefined ? {} : { problem }),
    view: {
      layers: [
        {
          depth: 0,
          nameAsWritten: name,
          format: 'qcow2',
          formatWasProbed: false,
          state: 'open',
          notes: [],
          virtualSize: top.size,
          fileSize: file.size,
          allocatedBytes: file.allocatedBytes,
          version: top.header.version,
          clusterSize: top.header.clusterSize,
          ...(top.dataFileName === undefined ? {} : { dataFile: shortened(top.dataFileName, LONGEST_TEXT) }),
        },
        ...backing,
      ],
      complete: backing.length === 0,
    },
    files: [],
    hasChanged: () => false,
    isIntact: () => true,
    close: () => {
      top.close();
    },
  };
}

/** The first file that the image names and that is not open for that reason. */
function whatIsMissing(top: Qcow2Image): Problem | undefined {
  const { name } = top.file;
  if (top.dataFileProblem !== undefined) return top.dataFileProblem;
  const value = top.dataFileName ?? top.backing?.name;
  return value === undefined ? undefined : new RefusedError(name, 'gate.notLocal', { value }).problem;
}
