/** How an image may name its backing file. */
import { dirname, join, parse, relative } from 'node:path';
import * as path from 'node:path';
import { asFileName } from '../worker/api';

export interface BackingNames {
  /** As seen from the image's folder; absent where no relative name leads there (another drive). */
  readonly relative?: string;
  readonly absolute: string;
  /** Both lie below one folder that is not the root: they are likely to be moved together. */
  readonly belongTogether: boolean;
}

/**
 * Both names of a backing file. A relative name is looked up in the image's folder by the system, which follows links
 * before `..`: give paths whose folders have their links resolved.
 */
export function backingNames(image: string, backing: string): BackingNames {
  const folder = dirname(image);
  const name = relative(folder, backing);
  if (name === '' || path.isAbsolute(name)) return { absolute: backing, belongTogether: false };
  const { root } = parse(folder);
  const climbs = name.split(path.sep).filter((part) => part === '..').length;
  const common = join(folder, ...Array<string>(climbs).fill('..'));
  const belongTogether = climbs === 0 || common !== root;
  return { relative: asFileName(name.split(path.sep).join('/')), absolute: backing, belongTogether };
}
