/**
 * Threads that die and threads that are ended: nothing staged is lost, no save is cut off, and nothing unneeded is left on
 * disk.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, readFileSync, renameSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ImageDocument } from '../../../../src/editor/model/document';
import type { Revival } from '../../../../src/editor/model/revival';
import { Sessions } from '../../../../src/editor/model/sessions';
import type { UndoableEdit } from '../../../../src/editor/model/editHistory';
import type { SaveOutcome } from '../../../../src/editor/model/staging';
import type { ChangeRequest, EditState, Result } from '../../../../src/worker/api';
import { type OrderedWorker, orderedWorker, type Place } from '../../../support/orderedWorker';
import { mustQemuImg, mustQemuIo } from '../../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../../support/worker';
import { workspace, type Workspace } from '../../../support/workspace';
import { guestOffset } from '../../../../src/qcow2/units';

const MIB = 1024 * 1024;
const nothing = (): void => undefined;

const zero = (mebibyte: number): ChangeRequest => ({
  kind: 'writeZeroes',
  start: guestOffset(mebibyte * MIB),
  length: MIB,
  options: { unmap: true, fallback: true, policy: 'unallocate', thorough: false },
});

let bundle: BuiltWorker;
let files: Workspace;
let disk: string;
let storage: string;
let worker: OrderedWorker;
let sessions: Sessions;
const documents: ImageDocument[] = [];

beforeAll(() => {
  bundle = buildWorker();
});

afterAll(() => {
  bundle.remove();
});

beforeEach(() => {
  files = workspace();
  mkdirSync(files.path('images'));
  disk = files.path('images/disk.qcow2');
  storage = files.path('storage');
  mkdirSync(storage);
  mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
  mustQemuIo(disk, ['write -P 1 0 4M']);
  worker = orderedWorker(bundle.script, files.folder, disk);
  let generation = 0;
  sessions = new Sessions({
    workerScript: worker.script,
    scratchFolder: storage,
    followsNames: () => true,
    nextGeneration: () => ++generation,
  });
});

afterEach(async () => {
  for (const document of documents.splice(0)) document.dispose();
  await sessions.end();
  files.remove();
});

/** A document as VS Code holds it: with its list of edits. */
class Held {
  readonly model = new ImageDocument({ kind: 'path', path: disk }, sessions);
  readonly edits: UndoableEdit[] = [];
  readonly revivals: Revival[] = [];
  readonly failures: unknown[] = [];

  constructor() {
    documents.push(this.model);
    this.model.onDidEdit((edit) => this.edits.push(edit));
    this.model.onDidRevive((revival) => this.revivals.push(revival));
    this.model.onDidFail((why) => this.failures.push(why));
  }

  get counts(): Pick<EditState, 'done' | 'redoable' | 'unsaved'> | undefined {
    const edits = this.model.state?.edits;
    return edits && { done: edits.done, redoable: edits.redoable, unsaved: edits.unsaved };
  }

  async zero(mebibyte: number): Promise<void> {
    const staged = await this.model.edit((staging) => staging.stage(zero(mebibyte), `zero ${mebibyte}`));
    if (!staged.ok) throw new Error(staged.problem.code);
  }

  save(): Promise<Result<SaveOutcome>> {
    return this.model.inTurn(() => this.model.edit((staging) => staging.save(nothing)));
  }

  /** The first byte of each of the first mebibytes, as the guest reads it. */
  async bytes(): Promise<number[]> {
    const found: number[] = [];
    for (let mebibyte = 0; mebibyte < 5; mebibyte++) {
      const read = await this.model.ask((engine) => engine.readBytes(guestOffset(mebibyte * MIB), 1));
      if (!read.ok) throw new Error(read.problem.code);
      found.push(read.value[0]!);
    }
    return found;
  }

  async revived(): Promise<Revival> {
    return until('the revival', () => this.revivals[0]);
  }
}

/** Three edits, the last one undone. */
async function edited(): Promise<Held> {
  const held = new Held();
  await held.model.whenRead();
  for (const mebibyte of [0, 1, 2]) await held.zero(mebibyte);
  await held.edits[2]!.undo();
  return held;
}

/** All is as VS Code believes it is: with undo and redo, down to the last one. */
async function isAsBefore(held: Held): Promise<void> {
  expect(held.counts).toEqual({ done: 2, redoable: 1, unsaved: 2 });
  expect(await held.bytes()).toEqual([0, 0, 1, 1, 0]);
  await held.edits[1]!.undo();
  await held.edits[0]!.undo();
  expect(await held.bytes()).toEqual([1, 1, 1, 1, 0]);
  expect(held.counts).toEqual({ done: 0, redoable: 3, unsaved: 0 });
  for (const edit of held.edits) await edit.redo();
  expect(await held.bytes()).toEqual([0, 0, 0, 1, 0]);
  expect(await held.save()).toEqual({ ok: true, value: {} });
  mustQemuImg(['check', disk]);
  mustQemuIo(disk, ['read -P 0 0 3M', 'read -P 1 3M 1M']);
  expect(held.failures).toEqual([]);
}

const backedUp = (): Promise<unknown> =>
  until('a backup with all that was asked for', () =>
    readdirSync(storage).some((name) => {
      if (!/^edits-[0-9a-f]+$/.test(name)) return false;
      const { done, edits } = JSON.parse(readFileSync(`${storage}/${name}`, 'utf8')) as {
        done: number;
        edits: unknown[];
      };
      return done === 2 && edits.length === 3;
    }),
  );

describe('a thread that dies', () => {
  it.each(['with a backup', 'between the edits and their backup'])(
    'idle, %s, loses nothing',
    async (when) => {
      const held = await edited();
      if (when === 'with a backup') await backedUp();
      worker.order('idle', 'die');
      expect(await held.revived()).toEqual({ kind: 'restored' });
      await isAsBefore(held);
    },
  );

  it('of an uncaught error loses nothing', async () => {
    const held = await edited();
    worker.order('idle', 'throw');
    expect(await held.revived()).toEqual({ kind: 'restored' });
    await isAsBefore(held);
  });

  it('while a change is staged loses that one alone', async () => {
    const held = await edited();
    worker.order('read image', 'die');
    const staged = await held.model.edit((staging) => staging.stage(zero(3), 'zero 3'));
    expect(staged).toMatchObject({ ok: false, problem: { code: 'thread.ended' } });
    expect(await held.revived()).toEqual({ kind: 'restored' });
    await isAsBefore(held);
  });

  it('while it checks loses nothing', async () => {
    const held = await edited();
    worker.order('read image', 'die');
    expect(await held.model.run((engine, operation) => engine.check(operation))).toMatchObject({ ok: false });
    expect(await held.revived()).toEqual({ kind: 'restored' });
    await isAsBefore(held);
  });

  it('over an undo is where VS Code believes it is', async () => {
    const held = await edited();
    worker.order('read image', 'die');
    await held.edits[1]!.undo();
    await held.edits[1]!.redo();
    expect(await held.revived()).toEqual({ kind: 'restored' });
    await isAsBefore(held);
  });

  it.each([0, 1, 2])(
    'in a save before its seal, at write %d, has changed nothing and loses nothing',
    async (writes) => {
      const held = await edited();
      const before = readFileSync(disk);
      worker.order('write journal', 'die', writes);
      expect(await held.save()).toMatchObject({ ok: false, problem: { code: 'thread.ended' } });
      expect(await held.revived()).toEqual({ kind: 'restored' });
      expect(readFileSync(disk).equals(before)).toBe(true);
      expect(existsSync(`${disk}-journal`)).toBe(false);
      await isAsBefore(held);
    },
  );

  it.each([0, 1, 3])(
    'in a save after its seal, %d writes later, is taken back and loses nothing',
    async (writes) => {
      const held = await edited();
      const before = readFileSync(disk);
      worker.order('write image', 'die', writes);
      expect(await held.save()).toMatchObject({ ok: false, problem: { code: 'thread.ended' } });
      expect(await held.revived()).toEqual({ kind: 'restored' });
      expect(readFileSync(disk).equals(before)).toBe(true);
      expect(existsSync(`${disk}-journal`)).toBe(false);
      await isAsBefore(held);
    },
  );

  it('in a save, asked whether its file has changed, is no other program', async () => {
    const held = await edited();
    worker.order('write image', 'wait');
    const saved = held.save();
    await worker.reached();
    const looked = held.model.lookAgain();
    // The question has to be there before the thread goes on.
    await new Promise((resolve) => setTimeout(resolve, 100));
    worker.order('write image', 'die');
    worker.release();
    expect(await saved).toMatchObject({ ok: false, problem: { code: 'thread.ended' } });
    expect(await held.revived()).toEqual({ kind: 'restored' });
    await looked;
    expect(held.model.isChangedOutside).toBe(false);
    await isAsBefore(held);
  });

  it.each<Place>(['remove journal', 'journal removed'])(
    'when a save is done has saved: %s',
    async (place) => {
      const held = await edited();
      worker.order(place, 'die');
      expect(await held.save()).toEqual({ ok: true, value: {} });
      expect(held.revivals).toEqual([{ kind: 'saved' }]);
      expect(held.model.hasUnsaved).toBe(false);
      mustQemuImg(['check', disk]);
      mustQemuIo(disk, ['read -P 0 0 2M', 'read -P 1 2M 2M']);
      // The saved states are no longer known; later ones are.
      await held.zero(3);
      await held.edits[3]!.undo();
      expect(await held.bytes()).toEqual([0, 0, 1, 1, 0]);
      await held.edits[1]!.undo();
      expect(held.failures).toEqual(['lost']);
    },
  );

  it('after a save has its undo past it still', async () => {
    const held = await edited();
    expect(await held.save()).toEqual({ ok: true, value: {} });
    await held.zero(3);
    worker.order('idle', 'die');
    expect(await held.revived()).toEqual({ kind: 'restored' });
    expect(held.counts).toEqual({ done: 3, redoable: 0, unsaved: 1 });
    expect(await held.bytes()).toEqual([0, 0, 1, 0, 0]);
    for (const edit of [held.edits[3]!, held.edits[1]!, held.edits[0]!]) await edit.undo();
    expect(await held.bytes()).toEqual([1, 1, 1, 1, 0]);
    expect(await held.save()).toEqual({ ok: true, value: {} });
    mustQemuImg(['check', disk]);
    mustQemuIo(disk, ['read -P 1 0 4M']);
    expect(held.failures).toEqual([]);
  });

  it('over an image that another program changes says what is lost', async () => {
    const held = await edited();
    mustQemuIo(disk, ['write -P 9 8M 64k']);
    worker.order('idle', 'die');
    expect(await held.revived()).toMatchObject({
      kind: 'lost',
      problem: { code: 'backup.otherImage' },
      edits: [],
    });
    expect(held.model.hasUnsaved).toBe(false);
    await held.edits[1]!.undo();
    expect(held.failures).toEqual(['lost']);
    expect((await held.model.edit((staging) => staging.stage(zero(3), 'zero 3'))).ok).toBe(true);
  });

  it('again at once keeps what is staged until it is read again', async () => {
    const held = await edited();
    worker.order('idle', 'die');
    expect(await held.revived()).toEqual({ kind: 'restored' });
    worker.order('idle', 'die');
    await until('the death', () => held.model.state?.problem?.code === 'thread.ended');
    expect(held.model.hasUnsaved).toBe(true);
    expect(await held.save()).toMatchObject({ ok: false, problem: { code: 'thread.ended' } });
    await held.model.readAgain();
    await isAsBefore(held);
  });

  it('with the image out of sight keeps what is staged until it is back', async () => {
    const held = await edited();
    const away = files.path('away.qcow2');
    renameSync(disk, away);
    worker.order('idle', 'die');
    expect(await held.revived()).toMatchObject({ kind: 'waiting', problem: { code: 'file.missing' } });
    expect(held.model.hasUnsaved).toBe(true);
    renameSync(away, disk);
    await held.model.lookAgain();
    await isAsBefore(held);
  });
});

describe('a document that is closed', () => {
  it.each<Place>(['write image', 'remove journal'])(
    'while a save is past its seal waits for its end: %s',
    async (place) => {
      const held = await edited();
      worker.order(place, 'wait');
      const saved = held.save();
      await worker.reached();
      const start = performance.now();
      held.model.dispose();
      expect(performance.now() - start).toBeLessThan(50);
      expect(await saved).toMatchObject({ ok: false, problem: { kind: 'cancelled' } });
      expect(existsSync(`${disk}-journal`)).toBe(true);
      // Another document sees the file as the save has left it, and nothing of the save.
      const next = new Held();
      const read = next.model.whenRead();
      worker.release();
      expect((await read).journal).toBeUndefined();
      expect(existsSync(`${disk}-journal`)).toBe(false);
      expect(await next.bytes()).toEqual([0, 0, 1, 1, 0]);
      mustQemuImg(['check', disk]);
    },
  );

  it('while a save is before its seal cancels it, and leaves no journal', async () => {
    const held = await edited();
    const before = readFileSync(disk);
    worker.order('write journal', 'wait');
    const saved = held.save();
    await worker.reached();
    held.model.dispose();
    expect(await saved).toMatchObject({ ok: false, problem: { kind: 'cancelled' } });
    worker.release();
    await sessions.end();
    expect(existsSync(`${disk}-journal`)).toBe(false);
    expect(readFileSync(disk).equals(before)).toBe(true);
  });

  it('under one of its names lets a save past its seal end, and the others see it', async () => {
    const held = await edited();
    const other = new Held();
    await other.model.whenRead();
    worker.order('write image', 'wait');
    const saved = held.save();
    await worker.reached();
    held.model.dispose();
    worker.release();
    await saved;
    await until('the state after it', () => other.model.isOwner && other.counts?.done === 0);
    expect(await other.bytes()).toEqual([0, 0, 1, 1, 0]);
    expect(existsSync(`${disk}-journal`)).toBe(false);
  });

  it('leaves nothing in the storage', async () => {
    const held = await edited();
    await backedUp();
    held.model.dispose();
    await until('an empty folder', () => readdirSync(storage).length === 0);
  });
});

describe('backups', () => {
  const left = (): string[] => readdirSync(files.path('backups')).sort();

  it('go with their pages once a newer one is there, and all of them after a revert', async () => {
    const held = await edited();
    const [one, two] = ['backups/one', 'backups/two'].map((name) => files.path(name));
    expect((await held.model.backups.write(one!)).ok).toBe(true);
    await held.zero(3);
    expect((await held.model.backups.write(two!)).ok).toBe(true);
    await held.model.backups.remove(one!);
    expect(left()).toEqual([expect.stringMatching(/^pages-/), 'two']);
    await held.model.revert();
    await held.model.backups.removeAll();
    expect(left()).toEqual([]);
    await until('an empty folder', () => readdirSync(storage).length === 0);
  });

  it('do not stay where VS Code asks for one before it knows that all is saved', async () => {
    const held = await edited();
    expect((await held.model.backups.write(files.path('backups/one'))).ok).toBe(true);
    expect((await held.save()).ok).toBe(true);
    await held.model.backups.removeAll();
    expect((await held.model.backups.write(files.path('backups/two'))).ok).toBe(true);
    expect(left()).toEqual([]);
    // Where VS Code goes on taking the document for changed, it will restore from there.
    expect((await held.model.backups.write(files.path('backups/three'), true)).ok).toBe(true);
    expect(await held.model.backups.restore(files.path('backups/three'))).toEqual({ ok: true, value: [] });
  });

  it('stay where the document is closed while one is written, and another shows its file', async () => {
    const one = files.path('backups/one');
    for (let wait = 0; wait < 8; wait++) {
      const first = await edited();
      expect((await first.model.backups.write(one)).ok).toBe(true);
      first.model.dispose();
      const next = new Held();
      await next.model.whenRead();
      expect((await next.model.backups.restore(one)).ok).toBe(true);
      const beside = new Held();
      await beside.model.whenRead();
      const written = next.model.backups.write(files.path('backups/two'));
      await new Promise((resolve) => setTimeout(resolve, wait));
      next.model.dispose();
      expect((await written).ok).toBe(true);
      expect(left()).toContain('two');
      beside.model.dispose();
      rmSync(files.path('backups'), { recursive: true });
    }
  });

  it('stay when the document is closed, go when another one was opened from them, and are whole in between', async () => {
    const held = await edited();
    const one = files.path('backups/one');
    await held.model.backups.write(one);
    held.model.dispose();
    const next = new Held();
    await next.model.whenRead();
    const restored = await next.model.backups.restore(one);
    expect(restored.ok && restored.value.map(({ label }) => label)).toEqual(['zero 0', 'zero 1']);
    expect(left()).toHaveLength(2);
    // VS Code counts from the start again in a new window.
    await next.model.backups.write(one);
    expect(left()).toEqual(['one', expect.stringMatching(/^pages-/)]);
    next.model.dispose();
    const third = new Held();
    await third.model.whenRead();
    expect((await third.model.backups.restore(one)).ok).toBe(true);
    await third.model.backups.write(files.path('backups/two'));
    expect(left()).toEqual([expect.stringMatching(/^pages-/), 'two']);
    expect(await third.bytes()).toEqual([0, 0, 1, 1, 0]);
  });

  it('fit the file again after a save in it was taken back', async () => {
    const held = await edited();
    const one = files.path('backups/one');
    await held.model.backups.write(one);
    held.model.onDidRevive(() => void held.model.backups.renew());
    worker.order('write image', 'die', 1);
    await held.save();
    await held.revived();
    await held.model.inTurn(() => Promise.resolve());
    held.model.dispose();
    const next = new Held();
    await next.model.whenRead();
    expect((await next.model.backups.restore(one)).ok).toBe(true);
    expect(left()).toHaveLength(2);
  });
});
