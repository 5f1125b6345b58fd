/** Recognises qcow2 images by their first bytes, whatever their names: the look that is cheap enough for every file. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { MAGIC } from '../format/headerFields';
import { systemCode } from '../io/systemError';

// Windows has no O_NONBLOCK, whatever the type says.
const OPEN_FLAGS = constants.O_RDONLY | ((constants.O_NONBLOCK as number | undefined) ?? 0);

/** `unreadable`: there is a file, and the system does not let us read it. `gone`: there is none any more. */
export type Recognised = 'qcow2' | 'other' | 'unreadable' | 'gone';

const firstBytes = Buffer.alloc(4);

/**
 * What a regular file is by its magic, any version. The caller has seen that it is regular: a FIFO that took its place
 * meanwhile does not stall the thread, but a device would be opened. Never throws.
 */
export function recognise(path: string): Recognised {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, OPEN_FLAGS);
    const length = readSync(descriptor, firstBytes, 0, firstBytes.length, 0);
    return length === firstBytes.length && firstBytes.readUInt32BE() === MAGIC ? 'qcow2' : 'other';
  } catch (error) {
    const code = systemCode(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'gone' : 'unreadable';
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
