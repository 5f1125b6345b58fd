/**
 * Properties of reading, over random images: the engine reads and maps what the builder described, however the image is
 * laid out; for some of them QEMU confirms it.
 */
import * as fs from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openChain } from '../../src/qcow2/chain/openChain';
import { type Layer, type Layers, RunKind } from '../../src/qcow2/image/layer';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { readGuest } from '../../src/qcow2/image/read';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { forEachExtent, type MapExtent } from '../../src/qcow2/map/map';
import { buildPlan, imagePlan } from '../support/arbitraryImage';
import { image, type BuiltImage, type GuestKind, type GuestRun } from '../support/imageBuilder';
import { mustQemuImg, qemuImg } from '../support/qemu';
import { type Workspace, workspace } from '../support/workspace';
import { guestOffset, hostOffset, plus } from '../../src/qcow2/units';

const KIND_NAMES = new Map<RunKind, GuestKind>(
  (Object.entries(RunKind) as [GuestKind, RunKind][]).map(([name, kind]) => [kind, name]),
);

const open = (built: BuiltImage): Qcow2Image =>
  Qcow2Image.open(new MemoryFile('disk.qcow2', built.toBuffer()));

/** The engine's runs, merged as the model's are: by kind alone. */
function runsOf(layer: Layer, start: number, end: number): GuestRun[] {
  const runs: GuestRun[] = [];
  layer.forEachRun(guestOffset(start), guestOffset(end), (from, length, code) => {
    const kind = KIND_NAMES.get(code)!;
    const last = runs.at(-1);
    if (last?.kind === kind) runs[runs.length - 1] = { ...last, length: last.length + length };
    else runs.push({ start: from, length, kind });
    return true;
  });
  return runs;
}

function readAll(layers: Layers): Buffer {
  const target = Buffer.alloc(layers[0].size);
  readGuest(layers, target, guestOffset(0));
  return target;
}

describe('any image', () => {
  test('reads as it was meant', () => {
    fc.assert(
      fc.property(imagePlan, (plan) => {
        const built = buildPlan(plan).build();
        expect(readAll([open(built)]).equals(built.model.read())).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test('has the runs that were meant, without gaps', () => {
    fc.assert(
      fc.property(imagePlan, (plan) => {
        const built = buildPlan(plan).build();
        expect(runsOf(open(built), 0, built.model.size)).toStrictEqual(built.model.runs());
      }),
      { numRuns: 400 },
    );
  });

  test('has the same map after a walk that was stopped behind a table it knew', () => {
    // Of the tables of 64 entries the second is one run, which is remembered, and data followed by nothing.
    const layer = open(image({ clusterBits: 9, size: '96k' }).zeroPlain(64, 64).data(128, 20).build());
    const before = runsOf(layer, 0, layer.size);
    layer.forEachRun(guestOffset(32768), guestOffset(layer.size), () => false);
    expect(runsOf(layer, 0, layer.size)).toStrictEqual(before);
  });

  test('has the same map whatever was looked at before, and wherever that was stopped', () => {
    const look = fc.record({ from: fc.nat(1000), length: fc.nat(1000), stopAfter: fc.nat(6) });
    fc.assert(
      fc.property(imagePlan, fc.array(look, { minLength: 1, maxLength: 12 }), (plan, looks) => {
        const built = buildPlan(plan).build();
        const layer = open(built);
        const { size } = built.model;
        for (const { from, length, stopAfter } of looks) {
          let left = stopAfter;
          const start = guestOffset(Math.floor((size * from) / 1000));
          layer.forEachRun(start, plus(start, Math.ceil((size * length) / 1000)), () => left-- > 0);
        }
        expect(runsOf(layer, 0, size)).toStrictEqual(built.model.runs());
      }),
      { numRuns: 600 },
    );
  });

  test('has its data where the builder put it', () => {
    fc.assert(
      fc.property(imagePlan, (plan) => {
        const built = buildPlan(plan).build();
        const { layout, model } = built;
        const { clusterSize } = model;
        open(built).forEachRun(guestOffset(0), guestOffset(model.size), (start, length, _kind, host) => {
          for (let at = start; host >= 0 && at < start + length; at = plus(at, clusterSize)) {
            const inCluster = at % clusterSize;
            expect(host + at - start - inCluster).toBe(
              layout.hostOffsets.get((at - inCluster) / clusterSize),
            );
          }
          return true;
        });
      }),
      { numRuns: 200 },
    );
  });

  test('reads in any range as it does whole', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(imagePlan, share, share, (plan, one, other) => {
        const built = buildPlan(plan).build();
        const [start, end] = [one, other]
          .sort((a, b) => a - b)
          .map((at) => Math.floor(at * built.model.size));
        const part = Buffer.alloc(end! - start!);
        readGuest([open(built)], part, guestOffset(start!));
        expect(part.equals(built.model.read(start, end! - start!))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('maps in any range as it does whole', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(imagePlan, share, share, (plan, one, other) => {
        const layers: Layers = [open(buildPlan(plan).build())];
        const [{ size }] = layers;
        const [start, end] = [one, other].sort((a, b) => a - b).map((at) => Math.floor(at * size));
        const whole = extents(layers, 0, size)
          .map((extent) => cut(extent, start!, end!))
          .filter(({ length }) => length > 0);
        expect(extents(layers, start!, end!)).toStrictEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  test('shows what is below it where it has nothing', () => {
    fc.assert(
      fc.property(imagePlan, imagePlan, (upper, lower) => {
        const base = buildPlan(lower).build();
        const top = buildPlan(upper, { backing: { name: 'base.qcow2', format: 'qcow2' } }).build();
        expect(readAll([open(top), open(base)]).equals(top.model.read(0, top.model.size, base.model))).toBe(
          true,
        );
      }),
      { numRuns: 300 },
    );
  });
});

function extents(layers: Layers, start: number, end: number): MapExtent[] {
  const list: MapExtent[] = [];
  forEachExtent(layers, guestOffset(start), guestOffset(end), (extent) => list.push({ ...extent }));
  return list;
}

function cut(extent: MapExtent, start: number, end: number): MapExtent {
  const from = guestOffset(Math.max(extent.start, start));
  const length = Math.min(extent.start + extent.length, end) - from;
  const offset = extent.offset < 0 ? extent.offset : hostOffset(extent.offset + from - extent.start);
  return { ...extent, start: from, length, offset };
}

describe('some images, QEMU says,', () => {
  let place: Workspace;
  beforeAll(() => {
    place = workspace();
  });
  afterAll(() => {
    place.remove();
  });

  test('are clean, map and read as ours', () => {
    const [disk, base, raw] = [place.path('disk.qcow2'), place.path('base.qcow2'), place.path('judge.raw')];
    fc.assert(
      fc.property(imagePlan, imagePlan, fc.boolean(), (upper, lower, isOverlay) => {
        const backing = isOverlay ? { backing: { name: 'base.qcow2', format: 'qcow2' } } : {};
        buildPlan(lower).writeTo(base);
        buildPlan(upper, backing).writeTo(disk);
        expect(qemuImg(['check', disk])).toMatchObject({ status: 0 });
        mustQemuImg(['convert', '-O', 'raw', disk, raw]);
        const chain = openChain(disk, { followsNames: true });
        expect(readAll(chain.layers).equals(fs.readFileSync(raw))).toBe(true);
        const judge: unknown = JSON.parse(String(mustQemuImg(['map', '--output=json', disk])));
        expect(extents(chain.layers, 0, chain.top.size).map(asQemu)).toStrictEqual(judge);
        chain.close();
      }),
      { numRuns: 60 },
    );
  });
});

function asQemu({ start, length, depth, present, zero, data, offset }: MapExtent): object {
  return { start, length, depth, present, zero, data, ...(offset < 0 ? {} : { offset }) };
}
