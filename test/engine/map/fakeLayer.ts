/** A layer of a chain given as a list of runs, for tests of code that works on layers. */
import { FormatError } from '../../../src/qcow2/errors';
import type { Layer } from '../../../src/qcow2/image/layer';
import { NO_HOST, RunKind } from '../../../src/qcow2/image/layer';
import type { BlockFile, FileExtent } from '../../../src/qcow2/io/blockFile';
import { guestOffset, hostOffset } from '../../../src/qcow2/units';

export type FakeRun =
  | { readonly kind: keyof typeof RunKind; readonly length: number; readonly host?: number }
  | { readonly kind: 'invalid'; readonly length: number };

export interface FakeLayer {
  readonly runs: readonly FakeRun[];
  readonly format?: 'qcow2' | 'raw';
  readonly namesBacking?: boolean;
  readonly isEncrypted?: boolean;
  /** Stretches of the host file: first byte after each, data and hole in turns, beginning with data. */
  readonly hostExtents?: readonly number[];
  /** Where the host file ends, for data. */
  readonly dataEnd?: number;
  readonly name?: string;
}

/** Walking into an `invalid` run throws what a broken entry throws. */
export function fakeLayer(fake: FakeLayer): Layer {
  const file = fakeFile(fake.name ?? 'disk', fake.hostExtents ?? []);
  return {
    format: fake.format ?? 'qcow2',
    file,
    dataFile: file,
    dataEnd: hostOffset(fake.dataEnd ?? Infinity),
    wasInUse: () => true,
    size: fake.runs.reduce((sum, { length }) => sum + length, 0),
    namesBacking: fake.namesBacking ?? false,
    isEncrypted: fake.isEncrypted ?? false,
    granularity: 512,
    looksForHoles: fake.hostExtents !== undefined,
    forEachRun: (start, end, visit) => {
      let at = 0;
      for (const run of fake.runs) {
        const from = guestOffset(Math.max(start, at));
        const to = Math.min(end, at + run.length);
        const skipped = from - at;
        at += run.length;
        if (from >= to) continue;
        if (run.kind === 'invalid') throw new FormatError('disk', 'entry.reserved', { offset: 0 });
        const host = run.host === undefined ? NO_HOST : hostOffset(run.host + skipped);
        if (visit(from, to - from, RunKind[run.kind], host) === false) return;
      }
    },
    readRun: () => undefined,
    compressedStream: () => undefined,
    close: () => undefined,
  };
}

function fakeFile(name: string, ends: readonly number[]): BlockFile {
  const size = ends.at(-1) ?? 0;
  return {
    name,
    size,
    allocatedBytes: size,
    knowsHoles: true,
    read: (target) => target.fill(0),
    extentAt: (offset): FileExtent => {
      const index = ends.findIndex((end) => offset < end);
      if (index < 0) return { isHole: true, end: hostOffset(Infinity) };
      return { isHole: index % 2 === 1, end: hostOffset(ends[index] ?? Infinity) };
    },
    close: () => undefined,
  };
}
