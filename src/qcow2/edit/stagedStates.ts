/** States of the files that edits are staged over: what undo goes back to, and what a backup tells apart. */
import type { StagedFile, StagedState } from '../io/stagedFile';
import type { Edit, StagedPair } from './history';

/** The files that staged edits are laid over. */
export interface StagedFiles {
  readonly image: StagedFile;
  readonly dataFile: StagedFile | undefined;
}

export const stateOf = ({ image, dataFile }: StagedFiles): StagedPair => ({
  image: image.state,
  dataFile: dataFile?.state,
});

export function setState({ image, dataFile }: StagedFiles, state: StagedPair): void {
  image.state = state.image;
  if (dataFile !== undefined && state.dataFile !== undefined) dataFile.state = state.dataFile;
}

/**
 * The states before the first edit, and after each. Where an edit was saved, the next one began from another state: it
 * lacks what the save has left out, as it lies in clusters that are free, and what undo needs nevertheless.
 */
export const statesOf = (edits: readonly Edit[]): StagedPair[] =>
  edits.flatMap(({ before, after }, index) => (index === 0 ? [before, after] : [after]));

export interface Step {
  readonly before: StagedPair;
  readonly after: StagedPair;
}

/** From each state to the one after it. */
export const stepsOf = ([first, ...others]: readonly StagedPair[]): Step[] => {
  let before = first;
  return others.flatMap((after) => {
    const step = before === undefined ? [] : [{ before, after }];
    before = after;
    return step;
  });
};

/** Nothing is staged. */
export const unstaged = (file: StagedFile): StagedState => ({
  ...file.state,
  tree: undefined,
  size: file.base.size,
});

/** A state from before a save, as it is over what the save has left. */
export function currentState(file: StagedFile, state: StagedState): StagedState {
  const shown = file.state;
  if (state.epoch === shown.epoch) return state;
  file.state = state;
  const current = file.state;
  file.state = shown;
  return current;
}
