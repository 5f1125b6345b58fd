/**
 * How a name in an image becomes a path, as QEMU has it (block.c: `path_has_protocol`, `path_combine`).
 *
 * A relative name belongs to the folder of the file that names it, as that file was itself named: a symbolic
 * link is not resolved first, and `..` is left to the operating system, for which `link/..` is not always what
 * it looks like. Names are joined, never normalised.
 */
import { isAbsolute } from 'node:path';

const isWindows = process.platform === 'win32';

/** Text up to the first NUL: an image's names are C strings to QEMU, whatever length the header gives. */
export function untilNul(name: string): string {
  const end = name.indexOf('\0');
  return end < 0 ? name : name.slice(0, end);
}

/**
 * What stands before a `:` that comes before every `/`: `nbd` of `nbd://host/disk`, nothing of `./a:b`.
 * A drive letter on Windows is no protocol.
 */
export function protocolOf(name: string): string | undefined {
  if (isWindows && /^[a-z]:([\\/]|$)/i.test(name)) return undefined;
  return /^([^:/]*):/.exec(name)?.[1];
}

/** The folder part of a path with its separator, `''` for a bare name. */
export function folderOf(path: string): string {
  const slash = Math.max(path.lastIndexOf('/'), isWindows ? path.lastIndexOf('\\') : -1);
  return path.slice(0, slash + 1);
}

/** A name as the file `namedBy` means it: absolute as it is, else in the folder of `namedBy`. */
export function joinName(namedBy: string, name: string): string {
  return isAbsolute(name) ? name : folderOf(namedBy) + name;
}

/**
 * QEMU's `full-backing-filename`: a name with a protocol (`json:` and `file:` among them) or an absolute one as
 * it is written, any other joined to the folder of the overlay.
 */
export function fullBackingName(overlay: string, name: string): string {
  return protocolOf(name) === undefined ? joinName(overlay, name) : name;
}

/** An absolute form of a path, for showing and opening elsewhere; still not normalised. */
export function absolutePath(path: string): string {
  if (isAbsolute(path)) return path;
  const folder = process.cwd();
  return (folder.endsWith('/') ? folder : `${folder}/`) + path;
}

/** A path whose opening would talk to another machine (`\\host\share`), which a stranger's image must not cause. */
export function isNetworkPath(path: string): boolean {
  return isWindows && /^[\\/]{2}/.test(path);
}
