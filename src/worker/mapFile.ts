/** Writes the map of a chain to a file, which is there whole or not at all. */
import { existsSync } from 'node:fs';
import type { Chain } from '../qcow2/chain/openChain';
import { probeFormat } from '../qcow2/chain/probe';
import { FileError, RefusedError } from '../qcow2/errors';
import { openLocalFile } from '../qcow2/io/localFile';
import type { Progress } from '../qcow2/progress';
import { exportMap } from '../qcow2/map/mapExport';
import type { MapExportResult } from '../qcow2/map/mapExport';
import { hostOffset } from '../qcow2/units';
import type { MapRequest } from './api';
import { isSameFile, resolveTarget, WholeFile } from './wholeFile';

/**
 * In the text form, data without a host offset (compressed, encrypted) is named where qemu-img would give up.
 * @throws RefusedError `export.ontoImage` for a file of the chain, `export.ontoOtherImage` for another image; as
 *   `WholeFile` for what is in its place; FileError `export.write`, `read.changed`; CancelledError; whatever walking the
 *   map throws
 */
export function writeMapFile(chain: Chain, request: MapRequest, progress: Progress): MapExportResult {
  const target = resolveTarget(request.destination);
  refuseOntoImages(chain, target);
  // Whoever chose a file that is no image knows what it is.
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

/** Never over the image, a layer of its chain, or an external data file, open or not; nor over any other image. */
function refuseOntoImages(chain: Chain, target: string): void {
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
