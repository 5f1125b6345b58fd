import { describe, expect, it } from 'vitest';
import { CONTENT_KINDS as WORKER_KINDS } from '../../../../src/worker/contentKinds';
import { bandLabel } from '../../../../webview/map/bandLabel';
import { CONTENT_KINDS } from '../../../../webview/map/kinds';
import { MarkedRanges } from '../../../../webview/map/markedRanges';

function runsOf(pieces: readonly number[], bytesPerCell: number, from: number, to: number): number[][] {
  const runs: number[][] = [];
  new MarkedRanges(Float64Array.from(pieces)).forEachRun(bytesPerCell, from, to, (first, end) => {
    runs.push([first, end]);
  });
  return runs;
}

describe('the marks of a file', () => {
  it('cover every cell that has a byte of it, and no other', () => {
    expect(runsOf([5, 6, 10, 20, 35, 41], 10, 0, 100)).toEqual([
      [0, 2],
      [3, 5],
    ]);
  });

  it('end where the visible cells do', () => {
    expect(runsOf([0, 1000], 10, 7, 9)).toEqual([[7, 9]]);
    expect(runsOf([0, 70, 90, 95], 10, 7, 9)).toEqual([]);
    expect(runsOf([], 10, 0, 9)).toEqual([]);
  });

  it('are as they are on any disk', () => {
    for (let round = 0; round < 200; round++) {
      const pieces: number[] = [];
      for (let at = 0; pieces.length < 20;) {
        pieces.push((at += 1 + ((round * 7 + pieces.length * 13) % 9)));
      }
      const marked = new Set<number>();
      for (let index = 0; index < pieces.length; index += 2)
        for (let byte = pieces[index]!; byte < pieces[index + 1]!; byte++) marked.add(Math.floor(byte / 4));
      const cells = runsOf(pieces, 4, 2, 18).flatMap(([first = 0, end = 0]) =>
        Array.from({ length: end - first }, (_, index) => first + index),
      );
      expect(cells).toEqual([...marked].filter((cell) => cell >= 2 && cell < 18));
    }
  });
});

it('the kinds of content are those of the worker, in the same order', () => {
  expect(CONTENT_KINDS.kinds).toEqual([...WORKER_KINDS]);
});

it('a band is labelled with what is known of it, and nothing of a name is hidden', () => {
  const band = { path: '1', name: 'EFI', holds: 'FAT16', size: 0, pieces: new Float64Array() };
  expect(bandLabel(band)).toBe('1 · EFI (FAT16)');
  expect(bandLabel({ ...band, name: '', holds: '' })).toBe('1');
  expect(bandLabel({ ...band, path: 'vg0/a', name: 'a\u202eb', holds: '' })).toBe('vg0/a · a\\u202eb');
});
