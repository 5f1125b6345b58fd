/** Compaction as a document has it: what is refused meanwhile, and how it ends when the thread or the window does. */
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ImageDocument } from '../../../../src/editor/model/document';
import type { UndoableEdit } from '../../../../src/editor/model/editHistory';
import { Sessions } from '../../../../src/editor/model/sessions';
import type { ChangeRequest, Compacted, Result } from '../../../../src/worker/api';
import { guestOffset } from '../../../../src/qcow2/units';
import { type OrderedWorker, orderedWorker, type Place } from '../../../support/orderedWorker';
import { mustQemuImg, mustQemuIo, qemuImg } from '../../../support/qemu';
import { type BuiltWorker, buildWorker, until } from '../../../support/worker';
import { workspace, type Workspace } from '../../../support/workspace';

const MIB = 1024 * 1024;
const nothing = (): void => undefined;

let bundle: BuiltWorker;
let files: Workspace;
let disk: string;
let worker: OrderedWorker;
let sessions: Sessions;
let document: ImageDocument;
let edits: UndoableEdit[];
let failures: unknown[];
/** Bytes of the file before it is compacted. */
let length: number;

beforeAll(() => {
  bundle = buildWorker();
});

afterAll(() => {
  bundle.remove();
});

/** Two mebibytes of four are free, by edits that were saved and can be undone. */
beforeEach(async () => {
  files = workspace();
  mkdirSync(files.path('images'));
  mkdirSync(files.path('storage'));
  disk = files.path('images/disk.qcow2');
  mustQemuImg(['create', '-q', '-f', 'qcow2', disk, '16M']);
  mustQemuIo(disk, ['write -P 1 0 4M']);
  worker = orderedWorker(bundle.script, files.folder, disk);
  let generation = 0;
  sessions = new Sessions({
    workerScript: worker.script,
    scratchFolder: files.path('storage'),
    followsNames: () => true,
    nextGeneration: () => ++generation,
  });
  document = open();
  for (const mebibyte of [0, 1]) await discard(mebibyte);
  await save();
  length = statSync(disk).size;
});

afterEach(async () => {
  document.dispose();
  await sessions.end();
  files.remove();
});

function open(): ImageDocument {
  const opened = new ImageDocument({ kind: 'path', path: disk }, sessions);
  edits = [];
  failures = [];
  opened.onDidEdit((edit) => edits.push(edit));
  opened.onDidFail((why) => failures.push(why));
  return opened;
}

const discardOf = (mebibyte: number): ChangeRequest => ({
  kind: 'discard',
  start: guestOffset(mebibyte * MIB),
  length: MIB,
});

const discard = (mebibyte: number): Promise<Result<unknown>> =>
  document.edit((staging) => staging.stage(discardOf(mebibyte), `discard ${mebibyte}`));

const save = (): Promise<Result<unknown>> =>
  document.inTurn(() => document.edit((staging) => staging.save(nothing)));

const compact = (): Promise<Result<Compacted>> => document.edit(({ space }) => space.compact({}));

/** Begins a compaction that stops in its first batch. */
async function stopped(place: Place = 'write image'): Promise<{ readonly end: Promise<Result<Compacted>> }> {
  worker.order(place, 'wait');
  const end = compact();
  await worker.reached();
  return { end };
}

function mustBeSound(): void {
  expect(readdirSync(files.path('images'))).toEqual(['disk.qcow2']);
  expect(qemuImg(['check', disk]).status).toBe(0);
  mustQemuIo(disk, ['read -P 0 0 2M', 'read -P 1 2M 2M', 'read -P 0 4M 12M']);
}

async function mustGoOn(): Promise<void> {
  const compacted = await compact();
  expect(compacted.ok && compacted.value.stopped === undefined).toBe(true);
  expect(statSync(disk).size).toBeLessThanOrEqual(length - 2 * MIB);
  mustBeSound();
}

describe('while an image is compacted', () => {
  it('what would change it is refused at once, and undo says so; then it says that nothing can be undone', async () => {
    const { end } = await stopped();
    expect(document.compaction).toBeDefined();
    const refused = await Promise.all([
      discard(2),
      compact(),
      document.edit(({ space }) => space.giveBack({})),
      document.edit(({ space }) => space.freeSpace(nothing)),
      document.edit(({ space }) => space.compactPreview(nothing)),
      document.edit((staging) => staging.repair('all', 'repair')),
      document.edit((staging) => staging.recover({})),
      document.revert(),
    ]);
    expect(refused.map((answer) => answer.ok || answer.problem.code)).toEqual(
      new Array(refused.length).fill('space.compacting'),
    );
    await edits[1]?.undo();
    expect(failures).toMatchObject([{ code: 'space.compacting' }]);
    worker.release();
    expect(await end).toMatchObject({ ok: true, value: { changed: true } });
    expect(document.compaction).toBeUndefined();
    await edits[1]?.undo();
    expect(failures.slice(1)).toEqual(['compacted']);
    mustBeSound();
    expect(await discard(2)).toMatchObject({ ok: true });
  });

  it('it is read again only after that', async () => {
    const { end } = await stopped();
    const states: number[] = [];
    const reading = document.readAgain().then(({ fileSize }) => states.push(fileSize));
    worker.release();
    expect(await end).toMatchObject({ ok: true, value: { changed: true } });
    await reading;
    expect(states).toEqual([statSync(disk).size]);
    await mustGoOn();
  });
});

describe('a compaction whose', () => {
  it.each<Place>(['write image', 'write journal', 'remove journal'])(
    'window ends is ended after its batch, which is waited for: %s',
    async (place) => {
      const { end } = await stopped(place);
      let hasEnded = false;
      const ended = sessions.end().then(() => {
        hasEnded = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(hasEnded).toBe(false);
      worker.release();
      await ended;
      mustBeSound();
      await end;
    },
  );

  it('document is closed is ended after its batch, and another document waits for that', async () => {
    const { end } = await stopped();
    document.dispose();
    document = open();
    const state = document.whenRead();
    worker.release();
    expect((await state).journal).toBeUndefined();
    await end;
    mustBeSound();
    await mustGoOn();
  });

  it.each<readonly [place: Place, skipped: number]>([
    ['write image', 0],
    ['write journal', 0],
    ['write journal', 3],
    ['write image', 2],
    ['write image', 4],
    ['remove journal', 1],
    ['journal removed', 1],
  ])('thread dies leaves a sound image, and nothing that could be undone: %s %i', async (place, skipped) => {
    worker.order(place, 'die', skipped);
    expect(await compact()).toMatchObject({ ok: false, problem: { code: 'thread.ended' } });
    expect(document.compaction).toBeUndefined();
    await until('it is open again', () => document.state?.problem === undefined && document.state?.edits);
    await until('its journal is gone', () => readdirSync(files.path('images')).length === 1);
    mustBeSound();
    await document.lookAgain();
    expect(document.state?.edits).toMatchObject({ done: 0, redoable: 0, unsaved: 0 });
    await edits[1]?.undo();
    expect(failures).toHaveLength(1);
    expect(document.hasUnsaved).toBe(false);
    await mustGoOn();
  });
});
