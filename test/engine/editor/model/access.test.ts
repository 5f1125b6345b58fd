/** Whether a document shows that its image may be written, while other programs open and close it. */
import { mkdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ImageDocument } from '../../../../src/editor/model/document';
import { Sessions } from '../../../../src/editor/model/sessions';
import type { UndoableEdit } from '../../../../src/editor/model/editHistory';
import type { ChangeRequest, ImageState } from '../../../../src/worker/api';
import { Holder } from '../../../support/holder';
import { mustQemuImg, mustQemuIo } from '../../../support/qemu';
import { type BuiltWorker, buildWorker } from '../../../support/worker';
import { workspace, type Workspace } from '../../../support/workspace';
import { guestOffset } from '../../../../src/qcow2/units';

const MIB = 1024 * 1024;
const ZERO: ChangeRequest = {
  kind: 'writeZeroes',
  start: guestOffset(0),
  length: MIB,
  options: { unmap: true, fallback: true, policy: 'unallocate', thorough: false },
};

describe('an open image', () => {
  let bundle: BuiltWorker;
  let files: Workspace;
  let disk: string;
  let sessions: Sessions;
  let document: ImageDocument;
  let holder: Holder | undefined;

  beforeAll(() => {
    bundle = buildWorker();
  });

  afterAll(() => {
    bundle.remove();
  });

  beforeEach(() => {
    files = workspace();
    disk = files.path('disk.qcow2');
    mkdirSync(files.path('storage'));
    mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
    mustQemuIo(disk, ['write -P 1 0 4M']);
    let generation = 0;
    sessions = new Sessions({
      workerScript: bundle.script,
      scratchFolder: files.path('storage'),
      followsNames: () => true,
      nextGeneration: () => ++generation,
    });
    document = new ImageDocument({ kind: 'path', path: disk }, sessions);
  });

  afterEach(async () => {
    await holder?.end();
    holder = undefined;
    document.dispose();
    await sessions.end();
    files.remove();
  });

  it('is shown as held from the first look on', async () => {
    holder = await Holder.open(disk);
    const { access } = await document.whenRead();
    expect(access?.held?.holder).toStrictEqual({ pid: holder.pid, program: 'qemu-io' });
  });

  it('is held as long as a program has it open; what is staged can be undone and saved afterwards', async () => {
    const edits: UndoableEdit[] = [];
    document.onDidEdit((edit) => edits.push(edit));
    expect((await document.edit((staging) => staging.stage(ZERO, 'zero'))).ok).toBe(true);
    const told: ImageState[] = [];
    document.onDidRead((state) => told.push(state));
    const generation = document.state?.generation;
    holder = await Holder.open(disk, '-r');
    await document.lookAgain();
    await document.lookAtAccess();
    expect(document.state).toMatchObject({ generation, edits: { done: 1, unsaved: 1 } });
    expect(document.state?.access?.held?.holder.pid).toBe(holder.pid);
    await holder.end();
    await document.lookAtAccess();
    expect(document.state).toMatchObject({ generation, access: {}, edits: { done: 1, unsaved: 1 } });
    // Told when it changes, and only then.
    expect(told.map(({ access }) => access?.held !== undefined)).toStrictEqual([true, false]);
    await edits[0]?.undo();
    expect(document.state?.edits).toMatchObject({ done: 0, unsaved: 0 });
    await edits[0]?.redo();
    expect((await document.inTurn(() => document.edit((staging) => staging.save(() => undefined)))).ok).toBe(
      true,
    );
    // The locks of a save of its own are no one else's.
    expect(document.state).toMatchObject({ access: {}, edits: { unsaved: 0 } });
    mustQemuImg(['check', '-q', disk]);
  });
});
