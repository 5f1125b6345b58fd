/** Documents without VS Code: several names of a file, and one session for each file. */
import { linkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ImageDocument } from '../../../../src/editor/model/document';
import { whenSaved } from '../../../../src/editor/model/whenSaved';
import type { UndoableEdit } from '../../../../src/editor/model/editHistory';
import { Sessions } from '../../../../src/editor/model/sessions';
import { mustQemuImg, mustQemuIo } from '../../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../../support/worker';
import { workspace, type Workspace } from '../../../support/workspace';
import { guestOffset } from '../../../../src/qcow2/units';

describe('a document', () => {
  let worker: BuiltWorker;
  let files: Workspace;
  let sessions: Sessions;
  const documents: ImageDocument[] = [];

  beforeAll(() => {
    worker = buildWorker();
  });

  afterAll(() => {
    worker.remove();
  });

  beforeEach(() => {
    files = workspace();
    sessions = sessionsWith(worker.script);
  });

  afterEach(() => {
    for (const document of documents.splice(0)) document.dispose();
    files.remove();
  });

  function sessionsWith(workerScript: string): Sessions {
    let generation = 0;
    return new Sessions({
      workerScript,
      scratchFolder: files.folder,
      followsNames: () => true,
      nextGeneration: () => ++generation,
    });
  }

  function open(name: string): ImageDocument {
    const document = new ImageDocument({ kind: 'path', path: files.path(name) }, sessions);
    documents.push(document);
    return document;
  }

  function create(name: string, size = '1M'): string {
    mustQemuImg(['create', '-q', '-f', 'qcow2', files.path(name), size]);
    return files.path(name);
  }

  it('shares its reading with every other name of its file', async () => {
    create('disk.qcow2');
    symlinkSync('disk.qcow2', files.path('symbolic.qcow2'));
    linkSync(files.path('disk.qcow2'), files.path('hard.qcow2'));
    const all = ['disk.qcow2', 'symbolic.qcow2', 'hard.qcow2'].map(open);
    const states = await Promise.all(all.map((document) => document.whenRead()));
    expect(new Set(states).size).toBe(1);
    await all[1]?.readAgain();
    expect(all[0]?.state?.generation).toBe(2);
  });

  it('does not read again what has not changed', async () => {
    create('disk.qcow2');
    const document = open('disk.qcow2');
    await document.whenRead();
    await document.lookAgain();
    expect(document.state?.generation).toBe(1);
    mustQemuIo(files.path('disk.qcow2'), ['write -P 1 0 64k']);
    await document.lookAgain();
    expect(document.state?.generation).toBe(2);
  });

  it('follows its name to another file; a link to the first one does not', async () => {
    create('disk.qcow2', '1M');
    linkSync(files.path('disk.qcow2'), files.path('other.qcow2'));
    const [document, link] = [open('disk.qcow2'), open('other.qcow2')];
    await Promise.all([document.whenRead(), link.whenRead()]);
    renameSync(create('new.qcow2', '2M'), files.path('disk.qcow2'));
    await Promise.all([document.lookAgain(), link.lookAgain()]);
    expect(document.state?.summary?.virtualSize).toBe(2 * 2 ** 20);
    expect(link.state?.summary?.virtualSize).toBe(2 ** 20);
    expect(document.state?.generation).toBeGreaterThan(1);
  });

  it('gives up what is staged to its successor on another name, although others look at the file, too', async () => {
    create('old.qcow2');
    const document = open('old.qcow2');
    await document.whenRead();
    const bytes = new Uint8Array(512).fill(1);
    const change = { kind: 'write', start: guestOffset(0), bytes } as const;
    await document.edit((staging) => staging.stage(change, 'Write'));
    const other = await sessions.acquire(document.source);
    renameSync(files.path('old.qcow2'), files.path('new.qcow2'));
    const successor = open('new.qcow2');
    await document.giveUp(successor.source);
    const state = await successor.whenRead();
    expect(state).toMatchObject({ path: files.path('new.qcow2'), edits: { unsaved: 0 } });
    expect(state.problem).toBeUndefined();
    expect(successor.isOwner).toBe(true);
    expect((await successor.edit((staging) => staging.stage(change, 'Write'))).ok).toBe(true);
    expect(other.session.state?.edits?.unsaved).toBe(1);
    other.release();
  });

  it('reads again what another one has read under a name that is gone', async () => {
    create('old.qcow2');
    const other = await sessions.acquire({ kind: 'path', path: files.path('old.qcow2') });
    await other.session.read({ kind: 'path', path: files.path('old.qcow2') });
    renameSync(files.path('old.qcow2'), files.path('new.qcow2'));
    expect((await open('new.qcow2').whenRead()).path).toBe(files.path('new.qcow2'));
    other.release();
  });

  it('knows that its file is gone, and when it is back', async () => {
    create('disk.qcow2');
    const document = open('disk.qcow2');
    await document.whenRead();
    rmSync(files.path('disk.qcow2'));
    await document.lookAgain();
    expect(document.isDeleted).toBe(true);
    create('disk.qcow2');
    await document.lookAgain();
    expect(document.isDeleted).toBe(false);
    expect(document.state?.problem).toBeUndefined();
  });

  it('of a file that never was is not deleted but missing', async () => {
    const document = open('never.qcow2');
    expect((await document.whenRead()).problem?.code).toBe('file.missing');
    expect(document.isDeleted).toBe(false);
  });

  it('knows of an edit whether the save had it, or another one took its place', async () => {
    create('disk.qcow2');
    const document = open('disk.qcow2');
    await document.whenRead();
    const edits: UndoableEdit[] = [];
    document.onDidEdit((edit) => edits.push(edit));
    const stage = (pattern: number): Promise<unknown> => {
      const bytes = new Uint8Array(512).fill(pattern);
      return document.edit((staging) =>
        staging.stage({ kind: 'write', start: guestOffset(0), bytes }, 'Write'),
      );
    };
    const told: string[] = [];
    const wait = (name: string): unknown =>
      whenSaved(document, (isSaved) => told.push(`${name}: ${isSaved ? 'saved' : 'not saved'}`));

    await stage(1);
    wait('first');
    await edits[0]?.undo();
    await stage(2);
    expect(told).toEqual(['first: not saved']);
    wait('second');
    await stage(3);
    await document.edit((staging) => staging.save(() => undefined));
    expect(told.slice(1)).toEqual(['second: saved']);

    await stage(4);
    wait('third');
    await edits.at(-1)?.undo();
    await stage(5);
    expect(told.slice(2)).toEqual(['third: not saved']);
  });

  it('tells its listeners of each reading, and none after it is disposed', async () => {
    create('disk.qcow2');
    const document = open('disk.qcow2');
    const generations: number[] = [];
    document.onDidRead(({ generation }) => generations.push(generation));
    await document.whenRead();
    await document.readAgain();
    document.dispose();
    await document.readAgain();
    expect(generations).toEqual([1, 2]);
  });

  it('runs one reading at a time: many wishes at once make two', async () => {
    create('disk.qcow2');
    const document = open('disk.qcow2');
    await document.whenRead();
    await Promise.all(Array.from({ length: 10 }, () => document.readAgain()));
    expect(document.state?.generation).toBe(3);
  });

  it('whose thread dies says so, and reads again with another one', async () => {
    create('disk.qcow2');
    const script = files.path('worker.js');
    // The first thread is the real one until something falls over.
    writeFileSync(
      script,
      `require(${JSON.stringify(worker.script)});
       const { existsSync, rmSync } = require('node:fs');
       setInterval(() => { if (existsSync(${JSON.stringify(files.path('fall'))})) {
         rmSync(${JSON.stringify(files.path('fall'))}); process.exit(9); } }, 5);`,
    );
    sessions = sessionsWith(script);
    const document = open('disk.qcow2');
    await document.whenRead();
    writeFileSync(files.path('fall'), '');
    await until('the death', () => document.state?.problem?.code === 'thread.ended');
    expect(await document.ask((engine) => engine.readBytes(guestOffset(0), 1))).toMatchObject({
      ok: false,
      problem: { code: 'thread.ended' },
    });
    expect((await document.readAgain()).problem).toBeUndefined();
    expect(await document.ask((engine) => engine.readBytes(guestOffset(0), 1))).toEqual({
      ok: true,
      value: Uint8Array.of(0),
    });
  });

  it('keeps the selection for commands', () => {
    const document = open('disk.qcow2');
    const told: unknown[] = [];
    document.onDidSelect((selection) => told.push(selection));
    document.select({ start: 65536, length: 512 });
    expect(document.selection).toEqual({ start: 65536, length: 512 });
    document.select(undefined);
    expect(told).toEqual([{ start: 65536, length: 512 }, undefined]);
  });
});
