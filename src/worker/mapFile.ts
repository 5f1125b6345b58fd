/** Writes the map of a chain to a file, which is there whole or not at all. */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, realpathSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import type { Chain } from '../qcow2/chain/openChain';
import { FileError, RefusedError } from '../qcow2/errors';
import type { Progress } from '../qcow2/progress';
import { exportMap } from '../qcow2/scan/mapExport';
import type { MapExportResult } from '../qcow2/scan/mapExport';
import type { MapRequest } from './api';

/**
 * In the text form, data without a host offset (compressed, encrypted) is named where qemu-img would give up.
 * @throws RefusedError `export.ontoImage` for a file of the chain; FileError `export.write`, `read.changed`;
 *   CancelledError; whatever walking the map throws
 */
export function writeMapFile(chain: Chain, request: MapRequest, progress: Progress): MapExportResult {
  const destination = resolved(request.destination);
  refuseOwnFiles(chain, destination);
  const unfinished = `${destination}.${randomBytes(4).toString('hex')}.part`;
  const descriptor = attempt(destination, () => openSync(unfinished, 'wx'));
  try {
    const sink = {
      write: (bytes: Uint8Array) => {
        attempt(destination, () => {
          writeWhole(descriptor, bytes);
        });
      },
    };
    const result = exportMap(chain.layers, { form: request.form, unmapped: 'name' }, sink, progress);
    if (!chain.isIntact()) throw new FileError(chain.top.file.name, 'read.changed');
    attempt(destination, () => {
      closeSync(descriptor);
      renameSync(unfinished, destination);
    });
    return result;
  } catch (error) {
    discard(descriptor, unfinished);
    throw error;
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
}

/** A link is written through, not replaced. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Never over the image, a layer of its chain, or an external data file. */
function refuseOwnFiles(chain: Chain, destination: string): void {
  const target = identityOf(destination);
  if (target === undefined) return;
  const files = chain.layers.flatMap((layer) => [layer.file.name, layer.dataFile.name]);
  if (files.some((file) => identityOf(file) === target))
    throw new RefusedError(destination, 'export.ontoImage');
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function attempt<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new FileError(file, 'export.write', { value: systemMessage(error) });
  }
}

/** `ENOSPC: no space left on device` out of Node's `ENOSPC: no space left on device, write`. */
function systemMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(',', 1)[0] ?? message;
}

/** What goes wrong here adds nothing to what went wrong before. */
function discard(descriptor: number, path: string): void {
  for (const step of [
    () => {
      closeSync(descriptor);
    },
    () => {
      unlinkSync(path);
    },
  ]) {
    try {
      step();
    } catch {
      // Closed already, or gone.
    }
  }
}
