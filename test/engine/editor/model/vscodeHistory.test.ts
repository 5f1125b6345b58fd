/** What VS Code assumes about a document, and where that is wrong. */
import { beforeEach, describe, expect, it } from 'vitest';
import { VsCodeHistory } from '../../../../src/editor/model/vscodeHistory';

describe('VS Code believes', () => {
  let history: VsCodeHistory;

  beforeEach(() => {
    history = new VsCodeHistory();
  });

  it('that an edit makes a document dirty, and that undoing it makes it clean', () => {
    history.staged();
    expect(history.isDirty).toBe(true);
    history.undone();
    expect(history.isDirty).toBe(false);
    history.redone();
    expect(history.isDirty).toBe(true);
  });

  it('that what was saved is clean, and dirty before and after it', () => {
    history.staged();
    history.staged();
    history.undone();
    history.wasSaved();
    expect(history.isDirty).toBe(false);
    history.redone();
    expect(history.isDirty).toBe(true);
    history.undone();
    history.undone();
    expect(history.isDirty).toBe(true);
  });

  it('that an edit in place of a saved one is the saved one, until it is told otherwise', () => {
    history.staged();
    history.wasSaved();
    history.undone();
    history.staged();
    expect(history.isDirty).toBe(false);
    history.changedContent();
    expect(history.isDirty).toBe(true);
    history.wasSaved();
    expect(history.isDirty).toBe(false);
  });

  it('that there is nothing to redo after a revert', () => {
    history.staged();
    history.wasReverted();
    history.redone();
    expect(history.isDirty).toBe(false);
  });
});
