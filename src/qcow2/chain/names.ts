/**
 * How a name in an image becomes a path, as QEMU has it (block.c: `path_has_protocol`, `path_combine`).
 *
 * A relative name belongs to the folder of the file that names it, as that file was itself named: a symbolic
 * link is not resolved first, and `..` is left to the operating system, for which `link/..` is not always what
 * it looks like. Names are joined, never normalised.
 */
import * as path from 'node:path';

/** Whose rules names follow. */
export type PathRules = 'posix' | 'win32';

const HERE: PathRules = process.platform === 'win32' ? 'win32' : 'posix';

/** Text up to the first NUL: an image's names are C strings to QEMU, whatever length the header gives. */
export function untilNul(name: string): string {
  const end = name.indexOf('\0');
  return end < 0 ? name : name.slice(0, end);
}

/**
 * What stands before a `:` that comes before every `/`: `nbd` of `nbd://host/disk`, nothing of `./a:b`.
 * A drive letter on Windows is no protocol.
 */
export function protocolOf(name: string, rules = HERE): string | undefined {
  if (rules === 'win32' && /^[a-z]:([\\/]|$)/i.test(name)) return undefined;
  return /^([^:/]*):/.exec(name)?.[1];
}

/** A relative name as a header can have it: what would be taken for a protocol is kept from it by a `./`. */
export const asFileName = (name: string): string => (/^[^/]*:/.test(name) ? `./${name}` : name);

/** The folder part of a path with its separator, `''` for a bare name. */
export function folderOf(name: string, rules = HERE): string {
  const slash = Math.max(name.lastIndexOf('/'), rules === 'win32' ? name.lastIndexOf('\\') : -1);
  return name.slice(0, slash + 1);
}

/** A name as the file `namedBy` means it: absolute as it is, else in the folder of `namedBy`. */
export function joinName(namedBy: string, name: string, rules = HERE): string {
  return path[rules].isAbsolute(name) ? name : folderOf(namedBy, rules) + name;
}

/**
 * QEMU's `full-backing-filename`: a name with a protocol (`json:` and `file:` among them) or an absolute one as
 * it is written, any other joined to the folder of the overlay.
 */
export function fullBackingName(overlay: string, name: string): string {
  return protocolOf(name) === undefined ? joinName(overlay, name) : name;
}

/** An absolute form of a path, for showing and opening elsewhere; still not normalised. */
export function absolutePath(name: string): string {
  if (path.isAbsolute(name)) return name;
  const folder = process.cwd();
  return (folder.endsWith('/') ? folder : `${folder}/`) + name;
}

/**
 * - `network`: opening it would talk to another machine (`\\\\host\\share`), which a stranger's image must not cause: the
 *   system would send the user's credentials there
 * - `device`: a device, or a path that the system does not look into (`\\\\.\\pipe`, `\\\\?\\…`)
 * - `stream`: a stream of a file beside its content (`base.qcow2:stream`), or the current folder of a drive (`C:base.qcow2`)
 */
export type Foreign = 'network' | 'device' | 'stream';

/**
 * What is foreign about a name in an image, on Windows alone. A relative name stays on the share that the image itself is
 * on: no `..` leads off a share. So does an absolute one of the same share.
 */
export function foreignKind(name: string, namedBy: string, rules = HERE): Foreign | undefined {
  if (rules !== 'win32') return undefined;
  if (!/^[\\/]{2}/.test(name)) return /:/.test(name.replace(/^[a-z]:(?=[\\/])/i, '')) ? 'stream' : undefined;
  const share = shareOf(name);
  if (share === undefined) return 'device';
  return share === shareOf(namedBy) ? undefined : 'network';
}

/** `server\share` of a path on another machine, in lower case; undefined for any other path. */
function shareOf(name: string): string | undefined {
  const [, server, share] = /^[\\/]{2}(?:\?[\\/]unc[\\/])?([^\\/?.][^\\/]*)[\\/]+([^\\/]+)/i.exec(name) ?? [];
  return server === undefined || share === undefined ? undefined : `${server}\\${share}`.toLowerCase();
}
