/**
 * Long names (Microsoft's FAT specification 1.03, "Long directory entries"): up to 20 entries in front of the one with the
 * short name, the last 13 characters first. What does not fit together is left aside, and the short name counts.
 */
import { shortNameChecksum } from './shortName';
import { utf16Text } from './text';

const MOST_ENTRIES = 20;
const PER_ENTRY = 13;
const LAST = 0x40;

/** Bytes from the start of an entry to its characters. */
const PLACES = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];

/** Collects the entries of one long name after the other. */
export class LongName {
  readonly #units = new Uint16Array(MOST_ENTRIES * PER_ENTRY);
  #length = 0;
  #checksum = 0;
  /** The number of the entry read last: 1 where the name is complete, 0 where there is no name. */
  #order = 0;

  /** Takes in an entry with attributes 0x0f. @param at where it begins */
  add(view: DataView, at: number): void {
    const order = view.getUint8(at);
    const number = order & ~LAST;
    const checksum = view.getUint8(at + 13);
    if ((order & LAST) !== 0) {
      this.#order = number + 1;
      this.#length = number * PER_ENTRY;
      this.#checksum = checksum;
    }
    if (number === 0 || number > MOST_ENTRIES || number !== this.#order - 1 || checksum !== this.#checksum) {
      this.drop();
      return;
    }
    this.#order = number;
    const from = (number - 1) * PER_ENTRY;
    for (const [index, place] of PLACES.entries())
      this.#units[from + index] = view.getUint16(at + place, true);
  }

  /** The long name of a short entry that follows, where there is one. @param at where the short entry begins */
  take(view: DataView, at: number): string | undefined {
    const isComplete = this.#order === 1 && this.#checksum === shortNameChecksum(view, at);
    this.drop();
    if (!isComplete) return undefined;
    const name = utf16Text(this.#units.subarray(0, this.#length));
    return name === '' ? undefined : name;
  }

  drop(): void {
    this.#order = 0;
  }
}
