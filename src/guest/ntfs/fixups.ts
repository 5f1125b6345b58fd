/**
 * Update sequences: the last two bytes of every 512 of a record are replaced on disk by a number that changes with each
 * write, so that records written in part are recognised. What belongs there is in an array in the record.
 */
import { GuestError } from '../errors';
import { viewOf } from './numbers';

const STRIDE = 512;

/**
 * Checks the signature, and puts the bytes where they belong.
 * @param bytes a whole record; changed
 * @param signature four letters: `FILE`, `INDX`, `RSTR`
 * @param offset bytes from the start of the device, for the error
 * @param view of `bytes`
 * @throws GuestError `guest.value` for another signature or an array out of place, `guest.checksum` for a torn record
 */
export function applyFixups(
  bytes: Uint8Array,
  signature: string,
  what: string,
  offset: number,
  view = viewOf(bytes),
): void {
  for (let at = 0; at < 4; at++)
    if (bytes[at] !== signature.charCodeAt(at)) {
      const value = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
      throw new GuestError('guest.value', { what, offset, value, limit: signature });
    }
  const start = view.getUint16(4, true);
  const count = view.getUint16(6, true);
  const isInPlace = start % 2 === 0 && start >= 8 && start + 2 * count <= STRIDE - 2;
  if (!isInPlace || count !== bytes.length / STRIDE + 1)
    throw new GuestError('guest.value', {
      what,
      offset: offset + 4,
      value: count,
      limit: bytes.length / STRIDE + 1,
    });
  const number = view.getUint16(start, true);
  for (let index = 1; index < count; index++) {
    const end = index * STRIDE - 2;
    if (view.getUint16(end, true) !== number)
      throw new GuestError('guest.checksum', { what, offset: offset + end });
    view.setUint16(end, view.getUint16(start + 2 * index, true), true);
  }
}
