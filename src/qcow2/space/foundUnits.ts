/**
 * Collects the units of a disk whose data a content scan has found to be one kind. There is a bit for each unit; where
 * subclusters would be too many, for each cluster: those of which all data is of that kind. Only they can be given up.
 */
import { GuestSet } from '../guestSet';
import type { ByteLength, GuestOffset } from '../units';

export class FoundUnits {
  readonly #found: GuestSet;
  /** Clusters that have other data as well; absent where the unit of the set is that of the scan. */
  readonly #others: GuestSet | undefined;
  /** Of that kind, in clusters with other data too. */
  #bytes = 0;

  /**
   * @param unit bytes of a unit of the scan
   * @param setUnit bytes of a unit of the set: the same, or more
   * @param size bytes of the disk
   */
  constructor(unit: ByteLength, setUnit: ByteLength, size: ByteLength) {
    this.#found = new GuestSet(setUnit, size);
    this.#others = setUnit === unit ? undefined : new GuestSet(setUnit, size);
  }

  /** Whole units of data that is of the kind. */
  add(guest: GuestOffset, length: ByteLength): void {
    this.#found.add(guest, length);
    this.#bytes += length;
  }

  /** Whole units of data that is not. */
  addOther(guest: GuestOffset, length: ByteLength): void {
    this.#others?.add(guest, length);
  }

  finish(): GuestSet {
    return this.#others === undefined ? this.#found : this.#found.without(this.#others, this.#bytes);
  }
}
