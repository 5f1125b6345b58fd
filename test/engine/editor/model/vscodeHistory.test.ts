/** What VS Code assumes about a document, and where that is wrong. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Belief } from '../../../../src/editor/model/vscodeHistory';

describe('VS Code believes', () => {
  let belief: Belief;

  beforeEach(() => {
    belief = new Belief();
  });

  it('that an edit makes a document dirty, and that undoing it makes it clean', () => {
    belief.staged();
    expect(belief.isDirty).toBe(true);
    belief.undone();
    expect(belief.isDirty).toBe(false);
    belief.redone();
    expect(belief.isDirty).toBe(true);
  });

  it('that what was saved is clean, and dirty before and after it', () => {
    belief.staged();
    belief.staged();
    belief.undone();
    belief.wasSaved();
    expect(belief.isDirty).toBe(false);
    belief.redone();
    expect(belief.isDirty).toBe(true);
    belief.undone();
    belief.undone();
    expect(belief.isDirty).toBe(true);
  });

  it('that an edit in place of a saved one is the saved one, until it is told otherwise', () => {
    belief.staged();
    belief.wasSaved();
    belief.undone();
    belief.staged();
    expect(belief.isDirty).toBe(false);
    belief.changedContent();
    expect(belief.isDirty).toBe(true);
    belief.wasSaved();
    expect(belief.isDirty).toBe(false);
  });

  it('that there is nothing to redo after a revert', () => {
    belief.staged();
    belief.wasReverted();
    belief.redone();
    expect(belief.isDirty).toBe(false);
  });
});
