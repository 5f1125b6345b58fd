/** Joins free clusters into stretches of the device. */
import type { DeviceOffset } from '../units';
import { deviceOffset } from '../units';
import { type Clusters, placeOf } from './clusters';

export class FreeRuns {
  readonly #clusters: Clusters;
  readonly #visit: (start: DeviceOffset, length: number) => void;
  #first = 0;
  #count = 0;

  constructor(clusters: Clusters, visit: (start: DeviceOffset, length: number) => void) {
    this.#clusters = clusters;
    this.#visit = visit;
  }

  /** Takes in clusters that are free, beyond all before. */
  add(first: number, count: number): void {
    if (this.#first + this.#count === first && this.#count > 0) {
      this.#count += count;
      return;
    }
    this.end();
    this.#first = first;
    this.#count = count;
  }

  /** There are no more. */
  end(): void {
    if (this.#count === 0) return;
    const { clusterSize } = this.#clusters;
    this.#visit(deviceOffset(placeOf(this.#clusters, this.#first)), this.#count * clusterSize);
    this.#count = 0;
  }
}
