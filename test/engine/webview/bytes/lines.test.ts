import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clampTop,
  hexOf,
  lineCount,
  runsOf,
  SHORTEST_THUMB,
  textOf,
  thumbOf,
  topOfThumb,
} from '../../../../webview/bytes/lines';

const PIB = 2 ** 50;

describe('the scrollbar of a hex dump', () => {
  const scenes = fc.record({
    lines: fc.integer({ min: 0, max: PIB }),
    shown: fc.integer({ min: 1, max: 200 }),
    track: fc.integer({ min: SHORTEST_THUMB + 1, max: 2000 }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it('keeps its thumb on the track, long enough to be grabbed', () => {
    fc.assert(
      fc.property(scenes, ({ lines, shown, track, at }) => {
        const top = clampTop(at * lines, lines, shown);
        const thumb = thumbOf(top, lines, shown, track);
        expect(thumb.at).toBeGreaterThanOrEqual(0);
        expect(thumb.at + thumb.length).toBeLessThanOrEqual(track + 1e-6);
        expect(thumb.length).toBeGreaterThanOrEqual(Math.min(track, SHORTEST_THUMB));
      }),
    );
  });

  it('reaches the first and the last line of a disk of any size', () => {
    const lines = lineCount(PIB, 16);
    expect(topOfThumb(0, lines, 30, 500)).toBe(0);
    expect(topOfThumb(500 - SHORTEST_THUMB, lines, 30, 500)).toBe(lines - 30);
    expect(topOfThumb(10_000, lines, 30, 500)).toBe(lines - 30);
    expect(topOfThumb(-10, lines, 30, 500)).toBe(0);
  });

  it('puts the thumb back where it was dragged to', () => {
    fc.assert(
      fc.property(scenes, ({ lines, shown, track, at }) => {
        fc.pre(lines > 100 * track);
        const { length } = thumbOf(0, lines, shown, track);
        const place = at * (track - length);
        const thumb = thumbOf(topOfThumb(place, lines, shown, track), lines, shown, track);
        expect(thumb.at).toBeCloseTo(place, 1);
      }),
    );
  });

  it('fills the track where everything is in sight', () => {
    expect(thumbOf(0, 10, 30, 400)).toEqual({ at: 0, length: 400 });
    expect(clampTop(7, 10, 30)).toBe(0);
  });
});

describe('a line of a hex dump', () => {
  it('is split into zeros and the rest without losing a byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const runs = runsOf(bytes);
        expect(Buffer.concat(runs.map((run) => run.bytes)).equals(Buffer.from(bytes))).toBe(true);
        for (const run of runs) expect(run.bytes.every((byte) => (byte === 0) === run.isZero)).toBe(true);
        runs.slice(1).forEach((run, index) => {
          expect(run.isZero).not.toBe(runs[index]!.isZero);
        });
      }),
    );
  });

  it('shows bytes as hex and as text', () => {
    const bytes = Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0, 0x7f, 0x20, 0x7e);
    expect(hexOf(bytes)).toBe('51 46 49 fb 00 7f 20 7e');
    expect(textOf(bytes)).toBe('QFI... ~');
  });
});
