/** Stands for an external data file that is not open: everything about it is unknown, reading it is refused. */
import { RefusedError } from '../errors';
import type { BlockFile, FileExtent } from '../io/blockFile';
import { hostOffset } from '../units';

export class AbsentFile implements BlockFile {
  readonly size = 0;
  readonly allocatedBytes = 0;
  readonly knowsHoles = false;

  /**
   * @param image the image that needs the file, for messages
   * @param name as its header writes it; undefined where it names none
   */
  constructor(
    readonly image: string,
    readonly dataFileName: string | undefined,
  ) {}

  get name(): string {
    return this.dataFileName ?? '';
  }

  read(): never {
    if (this.dataFileName === undefined) throw new RefusedError(this.image, 'dataFile.required');
    throw new RefusedError(this.image, 'dataFile.notOpen', { value: this.dataFileName });
  }

  extentAt(): FileExtent {
    return { isHole: false, end: hostOffset(Infinity) };
  }

  close(): void {
    // Nothing is held.
  }
}
