/**
 * What a device holds, as the marks at both its ends say, without opening it: the same tests as in libblkid
 * (util-linux, libblkid/src/superblocks), with the caution that this project needs. A device may have several signatures:
 * what was there before, or a member of a RAID that begins like a file system.
 */
import type { BlockDevice } from './blockDevice';
import { GuestError } from './errors';
import { Fields } from './fields';
import { bootSectorSignature } from './probe/bootSector';
import { biosRaid, mdraid, zfs } from './probe/bothEnds';
import { DISC_TESTS } from './probe/discs';
import { LINUX_TESTS } from './probe/linux';
import { OTHER_TESTS } from './probe/others';
import type { FoundSignature, Signature } from './probe/signature';
import { deviceOffset } from './units';

export { SIGNATURE_KINDS, type Signature, type SignatureKind } from './probe/signature';

/** Bytes at the start that hold the marks of nearly all kinds; the one of Btrfs is 64 KiB in. */
const HEAD = 72 * 1024;

/** Used again for each device; nothing keeps parts of it. */
const head = new Uint8Array(HEAD);

/**
 * One signature of each kind, whichever is found first.
 * @throws whatever the device itself throws
 */
export function signaturesOf(device: BlockDevice): Signature[] {
  const length = Math.min(HEAD, device.size);
  head.fill(0, length);
  if (length > 0) device.read(head.subarray(0, length), deviceOffset(0));
  const fields = new Fields(head);
  const tests: ((head: Fields, device: BlockDevice) => FoundSignature | undefined)[] = [
    bootSectorSignature,
    ...LINUX_TESTS,
    ...OTHER_TESTS,
    ...DISC_TESTS,
    (_, whole) => mdraid(whole),
    (_, whole) => zfs(whole),
    (_, whole) => biosRaid(whole),
  ];
  return tests.flatMap((test) => {
    const found = told(() => test(fields, device));
    return found === undefined ? [] : [signatureOf(found)];
  });
}

function signatureOf(found: FoundSignature): Signature {
  const { kind, name, offset, label = '', uuid, size, hibernation } = found;
  return {
    kind,
    name,
    offset: deviceOffset(offset),
    label,
    uuid,
    size,
    ...(hibernation === undefined ? {} : { hibernation }),
  };
}

/** A structure that leads off the device is not the one that is looked for. */
function told(test: () => FoundSignature | undefined): FoundSignature | undefined {
  try {
    return test();
  } catch (error) {
    if (error instanceof GuestError && error.problem.code === 'guest.beyond') return undefined;
    throw error;
  }
}
