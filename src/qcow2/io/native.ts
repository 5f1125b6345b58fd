/**
 * What Node has no call for: `lseek` with SEEK_DATA and SEEK_HOLE, through the optional package `koffi`. It is
 * looked up when it is first needed; where it is missing, or `QCOW2_NATIVE=off` is set, holes are not known.
 */
import { createRequire } from 'node:module';

/** Finds data and holes in an open file. Does not disturb reads, which name their position. */
export interface Seek {
  /** First byte of data at or after `offset`; `none` when only a hole follows. */
  data(descriptor: number, offset: number): SeekResult;
  /** First byte of a hole at or after `offset` (the end of the file counts as one). */
  hole(descriptor: number, offset: number): SeekResult;
}

export type SeekResult = number | 'none' | 'failed';

/** The part of `koffi` that is used here. */
interface Koffi {
  load(path: string | null): { func(prototype: string): (...args: number[]) => number | bigint };
  errno(): number;
}

/** `whence` values; the two systems have them the other way round. */
const WHENCE = {
  linux: { data: 3, hole: 4 },
  darwin: { hole: 3, data: 4 },
} as const;

/** The same number on Linux and macOS: no data, or no hole, at or after the offset. */
const ENXIO = 6;

let found: Seek | null | undefined;

/** The seek functions, or null where there are none. */
export function loadSeek(): Seek | null {
  if (process.env['QCOW2_NATIVE'] === 'off') return null;
  return (found ??= bindSeek());
}

function bindSeek(): Seek | null {
  const whence = process.platform in WHENCE ? WHENCE[process.platform as keyof typeof WHENCE] : undefined;
  if (whence === undefined) return null;
  try {
    const koffi = createRequire(__filename)('koffi') as Koffi;
    const lseek = koffi.load(null).func('int64_t lseek(int fd, int64_t offset, int whence)');
    const call = (descriptor: number, offset: number, how: number): SeekResult => {
      const result = Number(lseek(descriptor, offset, how));
      if (result >= 0) return result;
      return koffi.errno() === ENXIO ? 'none' : 'failed';
    };
    return {
      data: (descriptor, offset) => call(descriptor, offset, whence.data),
      hole: (descriptor, offset) => call(descriptor, offset, whence.hole),
    };
  } catch {
    // Not installed, or not built for this machine: an optional package.
    return null;
  }
}
