/** What the verbs have in common: what they are given, how they open an image and report its problems. */
import type { Chain } from '../qcow2/chain/openChain';
import { openChain } from '../qcow2/chain/openChain';
import type { Problem } from '../qcow2/errors';
import { EngineError, FileError } from '../qcow2/errors';
import { blockingFault, type Purpose } from '../qcow2/format/faults';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { formerFiles } from '../qcow2/edit/interrupted';
import { describeProblem } from '../qcow2/problemText';
import { printable } from '../text/printable';
import type { Arguments } from './arguments';
import type { DECLARATIONS, VerbName } from './declarations';
import { printError } from './output';
import { readSettled } from './settled';

export type ArgumentsOf<N extends VerbName> = Arguments<(typeof DECLARATIONS)[N]>;

/**
 * Does what a verb is for.
 * @returns the exit code where it is not 0
 * @throws UsageError, EngineError
 */
export type Run<N extends VerbName> = (
  args: ArgumentsOf<N>,
) => number | undefined | Promise<number | undefined>;

const EXIT_FAULT = 1;

/** A problem of one line of the input. */
export class LineError extends EngineError {
  constructor(
    problem: Problem,
    readonly line: number,
  ) {
    super(problem);
  }
}

/**
 * Opens an image and hands it over, with its chain as far as it can be opened, as `readSettled` does: again where it
 * changes meanwhile. What is printed appears once it is known to be true.
 * @throws EngineError
 */
export function withChain<T>(path: string, followsNames: boolean, use: (chain: Chain) => T): T {
  const options = { followsNames, usesProcessFolder: true, former: formerFiles };
  return readSettled(path, () => openChain(path, options), use);
}

/**
 * Says what of an image could not be read, after what could be was printed.
 * @returns the exit code: that of qemu-img, which opens no image that has a fault in the way of `purpose`
 */
export function reportFaults({ faults, file }: Qcow2Image, purpose: Purpose): number {
  for (const { problem } of faults) {
    printError(`qcow2: ${printable(file.name)}: ${describeProblem(problem)}\n`);
  }
  return blockingFault(faults, purpose) === undefined ? 0 : EXIT_FAULT;
}

/** @throws EngineError when some file that the chain names is not open */
export function requireComplete(chain: Chain): void {
  if (chain.problem !== undefined) throw unopenedError(chain, chain.problem);
}

/** Why a file that the chain names is not open: what it is to the image that names it. */
export function unopenedError({ layers, view }: Chain, problem: Problem): EngineError {
  const depth = view.layers.findIndex((layer) => layer.problem === problem || layer.notes.includes(problem));
  const isBacking = view.layers[depth]?.problem === problem;
  const image = layers[isBacking ? depth - 1 : depth]?.file.name;
  // What the gate refuses is said of the image already.
  if (image === undefined || problem.kind === 'refused') return asError(problem);
  const facts = { value: problem.file, name: describeProblem(problem) };
  return new FileError(image, isBacking ? 'backing.unopened' : 'dataFile.unopened', facts);
}

/** A problem that was kept as a state becomes the reason to give up. */
export function asError(problem: Problem): EngineError {
  return new EngineError(problem);
}
