/** What the verbs that look into a disk have in common. */
import type { GuestDisk } from '../guest/disk';
import { openGuestDisk } from '../inside/guestDisk';
import { inside } from '../inside/insideError';
import { prepareReading } from './prepareReading';
import { requireComplete, withChain } from './verb';

/**
 * Opens the disk of an image with its chain, and hands it over.
 * @param place what was asked for in it
 * @throws EngineError, InsideError
 */
export async function withGuestDisk<T>(path: string, place: string, use: (disk: GuestDisk) => T): Promise<T> {
  await prepareReading(path);
  return withChain(path, true, (chain) => {
    requireComplete(chain);
    chain.top.refuseFaults('use');
    return inside(path, place, () => use(openGuestDisk(chain.layers)));
  });
}
