/** What the verbs have in common: what they are given, how they open an image and report its problems. */
import type { Chain } from '../qcow2/chain/openChain';
import { openChain } from '../qcow2/chain/openChain';
import type { Problem } from '../qcow2/errors';
import { EngineError, FileError } from '../qcow2/errors';
import { blockingFault, type Purpose } from '../qcow2/format/faults';
import type { Qcow2Image } from '../qcow2/image/qcow2Image';
import { formerFiles } from '../qcow2/edit/interrupted';
import { describeProblem } from '../qcow2/describeProblem';
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
 * Opens an image with as much of its chain as can be opened, and passes it to `use`; again if the image changes meanwhile
 * (`readSettled`).
 * @throws EngineError
 */
export function withChain<T>(path: string, followsNames: boolean, use: (chain: Chain) => T): T {
  const options = { followsNames, usesProcessFolder: true, former: formerFiles };
  return readSettled(path, () => openChain(path, options), use);
}

/**
 * Prints which parts of an image could not be read, after what could be read was printed.
 * @returns the exit code of qemu-img, which does not open an image with a fault that blocks `purpose`
 */
export function reportFaults({ faults, file }: Qcow2Image, purpose: Purpose): number {
  for (const { problem } of faults) {
    printError(`qcow2: ${printable(file.name)}: ${describeProblem(problem)}\n`);
  }
  return blockingFault(faults, purpose) === undefined ? 0 : EXIT_FAULT;
}

/** @throws EngineError if a file that the chain names could not be opened */
export function requireComplete(chain: Chain): void {
  if (chain.problem !== undefined) throw unopenedError(chain, chain.problem);
}

/** Why a file of the chain could not be opened, in terms of the image that names it. */
export function unopenedError({ layers, view }: Chain, problem: Problem): EngineError {
  const depth = view.layers.findIndex((layer) => layer.problem === problem || layer.notes.includes(problem));
  const isBacking = view.layers[depth]?.problem === problem;
  const image = layers[isBacking ? depth - 1 : depth]?.file.name;
  // The gate's refusals name the image already.
  if (image === undefined || problem.kind === 'refused') return asError(problem);
  const facts = { value: problem.file, name: describeProblem(problem) };
  return new FileError(image, isBacking ? 'backing.unopened' : 'dataFile.unopened', facts);
}

/** Turns a problem that was kept as data into an error. */
export function asError(problem: Problem): EngineError {
  return new EngineError(problem);
}
