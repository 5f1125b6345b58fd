/** How an image may name its backing file. */
import { dirname, relative, sep } from 'node:path';

/**
 * The name relative to the image's folder, for a file beside the image or below it: both can be moved together then.
 * Undefined for any other.
 */
export function relativeName(image: string, backing: string): string | undefined {
  const name = relative(dirname(image), backing).split(sep).join('/');
  if (name === '' || name.startsWith('../') || name === '..' || name.startsWith('/')) return undefined;
  // What stands before a colon would be taken for a protocol, or for a drive.
  return /^[^/]*:/.test(name) ? `./${name}` : name;
}
