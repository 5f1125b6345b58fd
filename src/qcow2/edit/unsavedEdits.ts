/**
 * The unsaved changes as edits: those made since the save or, where undo went back past it, one edit from the saved state to
 * the staged one.
 */
import { ClusterBits } from '../clusterSet';
import type { Edit, EditRow, History } from './history';
import { type StagedFiles, stateOf, unstaged } from './stagedStates';

export function unsavedRow(history: History, files: StagedFiles): EditRow {
  const edits = history.unsavedEdits ?? [wayBack(history, files)];
  return { edits, done: edits.length, saved: 0 };
}

/** One edit from what is on disk to what is staged, where undo went back past the save. */
function wayBack(history: History, files: StagedFiles): Edit {
  const { image, dataFile } = files;
  const before = { image: unstaged(image), dataFile: dataFile && unstaged(dataFile) };
  const comparedWith = history.comparedFiles;
  const edit = {
    label: '',
    before,
    after: stateOf(files),
    freed: new ClusterBits(),
    ...(comparedWith.length === 0 ? {} : { comparedWith }),
  };
  const [last] = history.unsavedRepairs;
  // Backwards.
  return last === undefined
    ? edit
    : { ...edit, repaired: { wasSound: last.isSound, isSound: last.wasSound } };
}
