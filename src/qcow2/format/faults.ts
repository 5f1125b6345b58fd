/**
 * What of an image cannot be read as it is written. The checks of the format throw. An image that is opened collects what
 * they throw, and goes on with what can be read, so that a damaged image is shown, checked and repaired as far as it goes.
 */
import { FormatError, UnsupportedError, type Problem } from '../errors';

/** The part of an image that a fault is about. */
export type ImagePart =
  | 'header'
  | 'features'
  | 'compression type'
  | 'refcount table'
  | 'refcounts'
  | 'snapshot table'
  | 'L1 table'
  | 'disk size'
  | 'header extensions'
  | 'encryption'
  | 'backing file'
  | 'bitmaps';

/**
 * What is done with an image. Each needs less of the image to be readable than the one before. `change` is this program's
 * own: QEMU reads zeroes in place of what is missing, and changes the image.
 */
export type Purpose = 'change' | 'use' | 'check' | 'repair';

export interface Fault {
  readonly part: ImagePart;
  /** The last purpose for which the image is not opened, those before it included. */
  readonly blocks: Purpose;
  readonly problem: Problem;
}

/** Receives what the checks of the format throw. */
export interface FaultSink {
  /**
   * @param instead what to go on with where `read` throws
   * @returns what `read` returns
   */
  attempt<T>(part: ImagePart, blocks: Purpose, read: () => T, instead: T): T;
}

/** The first fault is an error. */
export const strict: FaultSink = { attempt: (_part, _blocks, read) => read() };

/** Keeps the first fault of each kind: a hostile image has as many as it likes. */
export class FaultCollector implements FaultSink {
  readonly faults: Fault[] = [];

  attempt<T>(part: ImagePart, blocks: Purpose, read: () => T, instead: T): T {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof FormatError || error instanceof UnsupportedError)) throw error;
      this.add({ part, blocks, problem: error.problem });
      return instead;
    }
  }

  add(fault: Fault): void {
    const isKnown = this.faults.some(({ part, blocks }) => part === fault.part && blocks === fault.blocks);
    if (!isKnown) this.faults.push(fault);
  }
}

const RANKS: Readonly<Record<Purpose, number>> = { change: 0, use: 1, check: 2, repair: 3 };

/** The first fault that keeps the image from being opened for a purpose. */
export const blockingFault = (faults: readonly Fault[], purpose: Purpose): Fault | undefined =>
  faults.find(({ blocks }) => RANKS[blocks] >= RANKS[purpose]);
