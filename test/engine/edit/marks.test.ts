/**
 * What the map marks as staged after edits, undo, redo and saves in any order: exactly the sectors of the file and of the
 * guest disk that differ from those on disk. MARK_RUNS and MARK_SEED run more cases.
 */
import * as fs from 'node:fs';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Chain } from '../../../src/qcow2/chain/openChain';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { EngineError } from '../../../src/qcow2/errors';
import { RunKind } from '../../../src/qcow2/image/layer';
import { seededRandom } from '../../support/builder/random';
import { DISK, makeImage, randomPlan, type ImagePlan } from '../../support/changes/imagePlan';
import { randomOperation, requestOf } from '../../support/changes/operation';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import { type Workspace, workspace } from '../../support/workspace';
import { guestOffset, plus } from '../../../src/qcow2/units';

const RUNS = Number(process.env['MARK_RUNS'] ?? 25);
const SEED = process.env['MARK_SEED'];
const SECTOR = 512;

let place: Workspace;
beforeEach(() => {
  place = workspace();
});
afterEach(() => {
  place.remove();
});

const open = (path: string): EditableImage =>
  EditableImage.open(path, { followsNames: true, scratchPath: `${path}.scratch` });

/** The sectors in which anything that was told of lies. */
function sectorsOf(forEach: (visit: (start: number, length: number) => undefined) => void): Set<number> {
  const sectors = new Set<number>();
  forEach((start, length) => {
    for (let at = Math.floor(start / SECTOR); at * SECTOR < start + length; at++) sectors.add(at);
    return undefined;
  });
  return sectors;
}

const marksOf = (image: EditableImage): { readonly disk: Set<number>; readonly file: Set<number> } => ({
  disk: sectorsOf((visit) => {
    image.forEachDifference(visit);
  }),
  file: sectorsOf((visit) => {
    image.forEachFileDifference(visit);
  }),
});

function bytesOf(file: { readonly size: number; read(target: Uint8Array, offset: number): void }): Buffer {
  const bytes = Buffer.alloc(file.size);
  file.read(bytes, 0);
  return bytes;
}

/** Of each sector of the disk what the top layer has there: the kind, the place, and bytes that may change there. */
function holders({ top }: Chain): string[] {
  const found: string[] = [];
  const data = top.isDataFileOpen ? bytesOf(top.dataFile) : Buffer.alloc(0);
  top.forEachRun(guestOffset(0), guestOffset(top.size), (start, length, kind, host) => {
    for (let at = start; at < start + length; at = plus(at, SECTOR)) {
      const from = host < 0 || kind === RunKind.compressed ? host : host + at - start;
      const bytes = kind === RunKind.data ? data.toString('latin1', from, from + SECTOR) : '';
      found.push(`${kind}:${from}:${bytes.replace(/\0+$/, '')}`);
    }
    return undefined;
  });
  return found;
}

function realDifferences(image: EditableImage, path: string): ReturnType<typeof marksOf> {
  const [was, is] = [holders(image.onDisk), holders(image.chain)];
  const [before, now] = [fs.readFileSync(path), bytesOf(image.chain.top.file)];
  const file = new Set<number>();
  for (let at = 0; at < now.length; at += SECTOR) {
    const isGained = at + SECTOR > before.length && now.length > before.length;
    // What the file loses at its end is no sector of it that differs.
    const end = Math.min(at + SECTOR, now.length);
    const isOther = !now.subarray(at, end).equals(before.subarray(at, end));
    if (isGained || (isOther && at < before.length)) file.add(at / SECTOR);
  }
  return { disk: new Set(is.flatMap((each, sector) => (each === was[sector] ? [] : [sector]))), file };
}

type Step = { readonly do: 'change'; readonly seed: number } | { readonly do: 'undo' | 'redo' | 'save' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('change' as const), seed: fc.nat(1_000_000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('undo' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('redo' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('save' as const) }) },
);

function take(image: EditableImage, plan: ImagePlan, each: Step): void {
  try {
    if (each.do === 'change') image.apply(requestOf(randomOperation(plan, seededRandom(each.seed))));
    else image[each.do]();
  } catch (error) {
    if (!(error instanceof EngineError) || !error.problem.code.startsWith('zero.')) throw error;
  }
}

describe('the marks of what is staged', () => {
  it('are gone where redo leads back to what was saved', () => {
    const path = place.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '8M']);
    mustQemuIo(path, ['write -P 1 0 8M']);
    const image = open(path);
    const options = { unmap: true, fallback: true, policy: 'unallocate', thorough: false } as const;
    image.apply({ kind: 'writeZeroes', start: guestOffset(0), length: 2 ** 20, options });
    image.apply({ kind: 'write', start: guestOffset(2 ** 21), bytes: new Uint8Array(2 ** 20).fill(2) });
    image.save();
    image.undo();
    image.undo();
    expect(marksOf(image).disk.size).toBe(2 ** 22 / 1024);
    image.redo();
    image.redo();
    expect(image.edits.unsaved).toBe(0);
    expect(marksOf(image)).toEqual({ disk: new Set(), file: new Set() });
    image.close();
  });

  it('are gone where a later edit puts back what an earlier one changed', () => {
    const path = place.path('disk.qcow2');
    mustQemuImg(['create', '-q', '-f', 'qcow2', path, '8M']);
    mustQemuIo(path, ['write -P 1 0 8M']);
    const image = open(path);
    const write = (byte: number): void => {
      image.apply({ kind: 'write', start: guestOffset(1000), bytes: new Uint8Array(100_000).fill(byte) });
    };
    write(2);
    expect(marksOf(image).disk.size).toBeGreaterThan(190);
    write(1);
    expect(image.edits.unsaved).toBe(2);
    expect(marksOf(image)).toEqual({ disk: new Set(), file: new Set() });
    image.close();
  });

  it('are the sectors that differ from those on disk, whatever way led there', { timeout: 3_600_000 }, () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.array(step, { minLength: 4, maxLength: 16, size: 'max' }),
        (seed, steps) => {
          const folder = fs.mkdtempSync(place.path('run-'));
          const plan = randomPlan(seededRandom(seed));
          makeImage(plan, seededRandom(seed), folder);
          const image = open(`${folder}/${DISK}`);
          try {
            for (const each of steps) {
              take(image, plan, each);
              const real = realDifferences(image, `${folder}/${DISK}`);
              const marks = marksOf(image);
              expect([...marks.file].sort(), `${each.do}: file`).toEqual([...real.file].sort());
              expect([...marks.disk].sort(), `${each.do}: disk`).toEqual([...real.disk].sort());
            }
          } finally {
            image.close();
            fs.rmSync(folder, { recursive: true });
          }
        },
      ),
      { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
    );
  });
});
