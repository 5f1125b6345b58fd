/** Names of files that are copied out of a disk: made such that the host can hold them, and does no harm with them. */

import { replaceHidden } from '../text/printable';

/** Bytes of UTF-8 that file systems of hosts take for a name. */
const LONGEST = 255;

/** What Windows takes in no name; a backslash separates names there. */
const NOT_IN_WINDOWS = /[<>:"\\|?*]/g;
/** Devices of Windows, with whatever ending. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?= *(?:\.|$))/i;

/** The names of one folder on the host, as they are given out. */
export class HostNames {
  readonly #given = new Set<string>();

  /** @param platform of the host, as `process.platform` has it */
  constructor(readonly platform: string) {}

  /** A name that nothing else in the folder has: the guest's, or, where the host cannot hold it, one that shows what it was. */
  give(name: string): string {
    const held = holdable(name, this.platform);
    let given = held;
    for (let number = 2; this.#given.has(this.#key(given)); number++) given = numbered(held, number);
    this.#given.add(this.#key(given));
    return given;
  }

  /** macOS and Windows take names for the same that differ only in case. */
  #key(name: string): string {
    const isCaseless = this.platform === 'win32' || this.platform === 'darwin';
    return isCaseless ? name.normalize('NFC').toLowerCase() : name;
  }
}

function holdable(name: string, platform: string): string {
  let held = replaceHidden(name, () => '_').replaceAll('/', '_');
  if (platform === 'win32') {
    held = held.replace(NOT_IN_WINDOWS, '_').replace(/[. ]+$/, (end) => '_'.repeat(end.length));
    held = held.replace(DEVICE, '$&_');
  }
  if (held === '' || held === '.' || held === '..') held = held.replaceAll('.', '_') || '_';
  return shortened(held, LONGEST);
}

/** `name (2).txt`. */
function numbered(name: string, number: number): string {
  const dot = name.lastIndexOf('.');
  const end = dot > 0 ? name.slice(dot) : '';
  const addition = ` (${number})${end}`;
  return shortened(name.slice(0, name.length - end.length), LONGEST - Buffer.byteLength(addition)) + addition;
}

/** Cut at its end, which then says so. @param limit in bytes of UTF-8 */
function shortened(name: string, limit: number): string {
  const bytes = Buffer.from(name);
  if (bytes.length <= limit) return name;
  // A character that is cut in two is dropped.
  const kept = bytes
    .subarray(0, limit - 1)
    .toString()
    .replace(/\ufffd$/, '');
  return `${kept}~`;
}
