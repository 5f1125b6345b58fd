/** The file of an image, opened to be changed in place: the one that was read, and no other. */
import { RefusedError } from '../errors';
import type { Qcow2Image } from '../image/qcow2Image';
import { LocalFile } from '../io/localFile';
import type { Disk, MutableFile } from '../save/disk';
import type { ByteLength } from '../units';

/** Sizes of the file as the system tells them, in bytes. */
export interface FileSizes {
  readonly fileSize: ByteLength;
  readonly allocatedBytes: ByteLength;
}

export const sizesOf = ({ size, allocatedBytes }: MutableFile): FileSizes => ({
  fileSize: size,
  allocatedBytes,
});

export const changedOutside = ({ name }: MutableFile): RefusedError =>
  new RefusedError(name, 'guard.changed');

/**
 * The file that an image was read from, under one name.
 * @throws RefusedError `guard.hardLinks`, `guard.changed`; FileError
 */
export function openUnchanged({ file: { name }, file: read }: Qcow2Image, disk: Disk): MutableFile {
  const file = disk.openForChange(disk.resolve(name));
  try {
    const { links, device, inode } = file.identity;
    if (links > 1) throw new RefusedError(name, 'guard.hardLinks', { value: links });
    if (!(read instanceof LocalFile)) return file;
    const { identity } = read;
    if (String(identity.device) !== device || String(identity.inode) !== inode) throw changedOutside(file);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}
