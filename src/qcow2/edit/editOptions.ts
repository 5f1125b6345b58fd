/** What `EditableImage` is told, and what it says of its edits. */
import type { Progress } from '../progress';

export interface EditOptions {
  /** As `openChain` has it. */
  readonly followsNames: boolean;
  readonly usesProcessFolder?: boolean;
  /** Where the scratch file is made once staged changes outgrow memory; nothing is there before. */
  readonly scratchPath: string;
}

export interface SaveEdits {
  readonly progress?: Progress;
  readonly keepsUndo?: boolean;
  /** As `SaveOptions` has it. */
  readonly onCommitted?: () => void;
}

/** What a backup keeps: what is not on disk, as edits that are done; or all that can be undone and done again. */
export type BackupScope = 'unsaved' | 'history';

export interface RestoreOptions {
  /** A save was taken back since the backup: the file has all its bytes as they were, and another time. */
  readonly isRolledBack?: boolean;
}

export interface EditCounts {
  readonly undoable: number;
  readonly redoable: number;
  /** Steps between what is shown and what is on disk; 0 where nothing needs to be saved. */
  readonly unsaved: number;
}
