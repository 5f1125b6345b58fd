/** Finding what need not be stored, beside what else reads the same bytes. */
import { EditableImage } from '../../src/qcow2/edit/editableImage';
import { toEnd } from '../../src/qcow2/progress';
import type { BenchImages } from './images';
import { median, time } from './measure';
import type { Row } from './report';

const RUNS = 5;

/** @param isAskedFor whether a row is to be measured */
export function spaceRows(
  { plain, zeroes, copied }: BenchImages,
  isAskedFor: (work: string) => boolean,
): (Row | undefined)[] {
  /** @param times how often the peer reads the bytes */
  const scanned = (work: string, file: string, peer: readonly string[], times: number, least: number) => {
    if (!isAskedFor(work)) return undefined;
    console.log(`measuring: ${work}`);
    const [program = '', ...args] = peer;
    const ours: number[] = [];
    const theirs: number[] = [];
    // The first run warms the caches.
    for (let run = 0; run <= RUNS; run++) {
      theirs.push(times * time([program, ...args]));
      const started = performance.now();
      scan(file);
      ours.push(performance.now() - started);
    }
    return {
      work,
      ours: median(ours.slice(1)),
      theirs: median(theirs.slice(1)),
      floor: { timesFaster: least },
      detail: `beside ${program}, not qemu-img`,
    };
  };
  return [
    scanned('scan of 1 GiB of data', plain, ['cat', plain], 1, 0.8),
    scanned('scan of 1 GiB of zeroes', zeroes, ['cat', zeroes], 1, 0.6),
    scanned('scan of 1 GiB of the backing file', copied, ['fallocate', '--dig-holes', plain], 2, 1),
  ];
}

function scan(path: string): void {
  const image = EditableImage.open(path, { followsNames: true, scratchPath: `${path}.scratch` });
  toEnd(image.scanContents());
  image.close();
}
