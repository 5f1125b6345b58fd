/**
 * Addresses of files inside a disk: `qcow2-guest:/etc/fstab?{"image":"file:///…","part":"1"}`. The path is that in the file
 * system, so that the last name is the tab's; names that a path or a URI cannot hold are escaped in it.
 */
import * as vscode from 'vscode';
import { replaceHidden } from '../text/printable';

export const GUEST_SCHEME = 'qcow2-guest';

/** A file or folder inside a disk. */
export interface GuestPlace {
  /** URI of the image. */
  readonly image: string;
  /** Path of the partition or volume. */
  readonly part: string;
  /** From the root of the file system, with `/` in front and between names. */
  readonly path: string;
}

export function guestUri({ image, part, path }: GuestPlace): vscode.Uri {
  return vscode.Uri.from({
    scheme: GUEST_SCHEME,
    path: path.split('/').map(uriName).join('/'),
    query: JSON.stringify({ image, part }),
  });
}

/** Undefined where it is the address of something else. */
export function guestPlace({ scheme, path, query }: vscode.Uri): GuestPlace | undefined {
  if (scheme !== GUEST_SCHEME) return undefined;
  const facts = factsIn(query);
  if (facts === undefined) return undefined;
  return { ...facts, path: path.split('/').map(guestName).join('/') };
}

/** The place as the command line takes it: `1:/etc/fstab`. */
export const placeText = ({ part, path }: Pick<GuestPlace, 'part' | 'path'>): string =>
  part === '' ? path : `${part}:${path}`;

export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A name of the guest as a segment of a URI: hidden characters and halves of surrogate pairs as `%u202e`. */
export function uriName(name: string): string {
  if (name === '.' || name === '..') return name.replaceAll('.', escaped);
  return replaceHidden(name.replace(/%(?=u[0-9a-f]{4})|\//g, escaped), escaped);
}

const guestName = (segment: string): string =>
  segment.replace(/%u([0-9a-f]{4})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));

const escaped = (text: string): string =>
  text
    .split('')
    .map((unit) => `%u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

function factsIn(query: string): Pick<GuestPlace, 'image' | 'part'> | undefined {
  try {
    const { image, part } = JSON.parse(query) as Partial<Record<string, unknown>>;
    return typeof image === 'string' && typeof part === 'string' ? { image, part } : undefined;
  } catch {
    return undefined;
  }
}
