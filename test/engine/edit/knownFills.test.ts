/**
 * Fills that the check has found are not read again by later edits. With or without them an edit has the same result: the
 * same tally, the same staged bytes, the same file when saved. KNOWN_RUNS and KNOWN_SEED run more cases.
 */
import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { seededRandom, type Random } from '../../support/builder/random';
import { DISK, makeImage, randomPlan, type ImagePlan } from '../../support/changes/imagePlan';
import { randomOperation, requestOf, type Operation } from '../../support/changes/operation';
import { mustQemuImg, qemuImg } from '../../support/qemu';
import { workspace, type Workspace } from '../../support/workspace';
import { problemOf } from '../format/bytes';
import { guestOffset, hostOffset } from '../../../src/qcow2/units';

const RUNS = Number(process.env['KNOWN_RUNS'] ?? 40);
const SEED = Number(process.env['KNOWN_SEED'] ?? 1);

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

const open = (folder: string, name = DISK): EditableImage =>
  EditableImage.open(`${folder}/${name}`, { followsNames: true, scratchPath: `${folder}/scratch-${name}` });

/** Several tables, most of them of contiguous clusters. */
function plan(random: Random): ImagePlan {
  const any = randomPlan(random);
  const clusterBits = random.pick([9, 9, 12]);
  const table = 2 ** (clusterBits * 2 - 3);
  return {
    ...any,
    clusterBits,
    extendedL2: false,
    size: table * (2 + random.below(clusterBits === 9 ? 10 : 2)) + 512 * random.below(3),
    backing: any.backing && { ...any.backing, size: table * 2 },
    snapshots: any.dataFile === 'none' && any.refcountBits > 1 ? random.below(2) : 0,
    preallocated: any.backing === undefined,
  };
}

/** Often all of the disk, or whole tables of it. */
function operation(image: ImagePlan, random: Random): Operation {
  const drawn = randomOperation(image, random);
  if (drawn.kind === 'write' || random.below(3) === 0) return drawn;
  const table = 2 ** (image.clusterBits * 2 - 3);
  const start = table * random.below(Math.floor(image.size / table));
  const length = random.below(2) === 0 ? image.size - start : table;
  return { ...drawn, start, length };
}

/** The result of an edit, or why it is refused. */
function outcomeOf(image: EditableImage, edit: Operation): unknown {
  try {
    return image.apply(requestOf(edit));
  } catch (error) {
    if (error instanceof EngineError) return error.problem.code;
    throw error;
  }
}

function bytesOf(image: EditableImage): Buffer {
  const { file } = image.chain.top;
  const bytes = Buffer.alloc(file.size);
  file.read(bytes, hostOffset(0));
  return bytes;
}

describe('an edit of tables that the check has read', () => {
  it('does what it does without', { timeout: 600_000 }, () => {
    let known = 0;
    for (let run = 0; run < RUNS; run++) {
      const random = seededRandom(SEED * 10_000 + run);
      const drawn = plan(random);
      const folder = fs.mkdtempSync(place.path('run-'));
      makeImage(drawn, random, folder);
      fs.copyFileSync(`${folder}/${DISK}`, `${folder}/unseen.qcow2`);
      const [seen, unseen] = [open(folder), open(folder, 'unseen.qcow2')];
      seen.obstacles();
      known += knownOf(seen);
      for (let step = 0; step < 6; step++) {
        const edit = operation(drawn, random);
        expect(outcomeOf(seen, edit)).toEqual(outcomeOf(unseen, edit));
        if (random.below(4) === 0) expect(seen.undo()).toBe(unseen.undo());
        expect(bytesOf(seen).equals(bytesOf(unseen)), `run ${run}, step ${step}`).toBe(true);
      }
      // A data file is of one of them alone.
      if (drawn.dataFile === 'none') {
        seen.save();
        unseen.save();
        expect(bytesOf(seen).equals(bytesOf(unseen)), `run ${run}, saved`).toBe(true);
        expect(qemuImg(['check', DISK], { cwd: folder }).status).toBe(0);
      }
      for (const image of [seen, unseen]) image.close();
      fs.rmSync(folder, { recursive: true });
    }
    expect(known).toBeGreaterThan(RUNS);
  });

  it('is not saved over tables that another program has changed since, although size and time are what they were', () => {
    const file = place.path(DISK);
    mustQemuImg(['create', '-f', 'qcow2', '-o', 'cluster_size=4k,preallocation=metadata', file, '8M']);
    // To the second: nanoseconds cannot be put back.
    fs.utimesSync(file, 1e9, 1e9);
    const image = open(place.folder);
    image.obstacles();
    const options = { unmap: false, fallback: true, policy: 'unallocate', thorough: false } as const;
    image.apply({ kind: 'writeZeroes', start: guestOffset(0), length: 8 << 20, options });
    const before = fs.readFileSync(file);
    const changed = Buffer.from(before);
    // The offset of the fourth entry of the third table.
    const table = Number(before.readBigUInt64BE(Number(before.readBigUInt64BE(40)) + 16) & 0xfffffffffffe00n);
    changed.writeUInt8(changed.readUInt8(table + 3 * 8 + 5) ^ 1, table + 3 * 8 + 5);
    fs.writeFileSync(file, changed);
    fs.utimesSync(file, 1e9, 1e9);
    expect(image.hasChanged()).toBe(false);
    expect(problemOf(() => image.save())).toMatchObject({ code: 'save.changedOutside' });
    expect(fs.readFileSync(file).equals(changed)).toBe(true);
    image.close();
  });
});

/** Tables that are known to be fills. */
function knownOf(image: EditableImage): number {
  const { file, header, tables } = image.onDisk.top;
  let count = 0;
  for (let index = 0; index < header.l1Size; index++) {
    const table = tables.l2TableOffset(index);
    if (table !== 0 && file.knownFills?.at(table, header.clusterSize) !== undefined) count++;
  }
  return count;
}
