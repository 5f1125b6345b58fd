/** Writes the map of a chain to a file, all or nothing. */
import { existsSync } from 'node:fs';
import { probeFormat } from '../qcow2/chain/probe';
import { FileError, RefusedError } from '../qcow2/errors';
import { openLocalFile } from '../qcow2/io/localFile';
import type { Progress } from '../qcow2/progress';
import { exportMap } from '../qcow2/map/mapExport';
import type { MapExportResult } from '../qcow2/map/mapExport';
import { hostOffset } from '../qcow2/units';
import type { MapRequest } from './api';
import type { ShownChain } from './rawDisk';
import { isSameFile, resolveTarget, WholeFile } from './wholeFile';

/**
 * The text form lists data without a host offset (compressed, encrypted) where qemu-img gives up.
 * @throws RefusedError `export.ontoImage` for a file of the chain, `export.ontoOtherImage` for another image, and as
 *   `WholeFile` for the file that is replaced; FileError `export.write`, `read.changed`; CancelledError; anything that
 *   walking the map throws
 */
export function writeMapFile(chain: ShownChain, request: MapRequest, progress: Progress): MapExportResult {
  const target = resolveTarget(request.destination);
  refuseOntoImages(chain, target);
  // The user chose this file, and it is not an image: locks that cannot be seen do not matter.
  const file = new WholeFile(target, { failure: 'export.write', trustsUnseenLocks: true });
  try {
    let at = 0;
    const sink = {
      write: (bytes: Uint8Array) => {
        file.write(bytes, hostOffset(at));
        at += bytes.length;
      },
    };
    const result = exportMap(chain.layers, { form: request.form, unmapped: 'name' }, sink, progress);
    if (!chain.isIntact()) throw new FileError(chain.top.file.name, 'read.changed');
    file.finish();
    return result;
  } catch (error) {
    file.discard();
    throw error;
  }
}

/** Refuses the image, each layer of its chain and the external data files, open or not, and any other image. */
function refuseOntoImages(chain: ShownChain, target: string): void {
  const open = chain.layers.flatMap(({ file, dataFile }) => [file.name, dataFile.name]);
  const named = chain.view.layers.flatMap(({ path }) => (path === undefined ? [] : [path]));
  if ([...open, ...named].some((path) => isSameFile(path, target))) {
    throw new RefusedError(target, 'export.ontoImage');
  }
  if (existsSync(target) && isImage(target)) throw new RefusedError(target, 'export.ontoOtherImage');
}

function isImage(path: string): boolean {
  const file = openLocalFile(path);
  try {
    return probeFormat(file).format !== 'raw';
  } finally {
    file.close();
  }
}
