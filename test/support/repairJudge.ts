/**
 * QEMU judges repairs: compares what can be read of a damaged image before and after, and runs `qemu-img check` on the
 * result.
 */
import * as fs from 'node:fs';
import { Qcow2Image } from '../../src/qcow2/image/qcow2Image';
import { MemoryFile } from '../../src/qcow2/io/memoryFile';
import { PageStore } from '../../src/qcow2/io/pageStore';
import { StagedFile } from '../../src/qcow2/io/stagedFile';
import { silent } from '../../src/qcow2/progress';
import { repairImage } from '../../src/qcow2/repair/repairImage';
import type { RepairMode, RepairReport } from '../../src/qcow2/repair/report';
import type { RepairLoss } from '../../src/qcow2/repairAction';
import { hostOffset } from '../../src/qcow2/units';
import { qemuImg } from './qemu';

export interface RepairedBytes {
  readonly report: RepairReport;
  readonly bytes: Buffer;
}

/** Our repair of bytes. */
export function repairBytes(bytes: Uint8Array, mode: RepairMode, scratch: string): RepairedBytes {
  const store = new PageStore(scratch);
  try {
    const base = new MemoryFile('disk.qcow2', bytes);
    const file = new StagedFile(base, store);
    const original = new StagedFile(base, store);
    const dataFile = Qcow2Image.open(base).hasDataFile
      ? new MemoryFile('disk.data', new Uint8Array(0))
      : undefined;
    const context = { file, original, dataFile, diskSize: bytes.length, progress: silent };
    const { report } = repairImage(context, mode);
    const repaired = Buffer.alloc(file.size);
    file.read(repaired, hostOffset(0));
    return { report, bytes: repaired };
  } finally {
    store.close();
  }
}

/** What QEMU reads of an image, and where it cannot. */
export interface Salvaged {
  readonly bytes: Buffer;
  /** Offsets of sectors. */
  readonly unreadable: ReadonlySet<number>;
}

const SECTOR = 512;

/** @returns undefined where QEMU does not even open it */
export function salvage(folder: string, file: string, snapshot?: string): Salvaged | undefined {
  const target = `${file}.raw`;
  fs.rmSync(`${folder}/${target}`, { force: true });
  const layer = snapshot === undefined ? [] : ['-l', `snapshot.id=${snapshot}`];
  const ran = qemuImg(['convert', '--salvage', '-O', 'raw', ...layer, file, target], { cwd: folder });
  if (ran.status !== 0) return undefined;
  const unreadable = new Set<number>();
  for (const [, offset] of ran.stderr.matchAll(/error while reading offset (\d+)/g))
    unreadable.add(Number(offset));
  return { bytes: fs.readFileSync(`${folder}/${target}`), unreadable };
}

/** The first sector that reads differently although it could be read, and no loss names it. */
export function unnamedChange(
  before: Salvaged,
  after: Salvaged,
  losses: readonly RepairLoss[],
  snapshot?: number,
): string | undefined {
  // A compressed cluster that was cut off stays unchanged.
  const unreadable = [...after.unreadable].find((at) => !before.unreadable.has(at));
  if (unreadable !== undefined) return `cannot be read at ${unreadable}`;
  const own = losses.filter((loss) => loss.snapshot === snapshot);
  for (let at = 0; at < before.bytes.length; at += SECTOR) {
    if (before.unreadable.has(at)) continue;
    if (own.some(({ guest, length }) => guest < at + SECTOR && at < guest + length)) continue;
    const end = at + SECTOR;
    if (!before.bytes.subarray(at, end).equals(after.bytes.subarray(at, end)))
      return `reads differently at ${at}`;
  }
  return undefined;
}
