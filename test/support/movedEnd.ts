/** Disks whose end was moved in the header alone: what lies behind it then is as VM state that an applied snapshot left. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { Random } from './builder/random';
import { mustQemuImg } from './qemu';

const SIZE_AT = 24;

/** Makes the disk of an image smaller. @returns its size before, in bytes */
export function moveEnd(path: string, random: Random): number {
  const bytes = fs.readFileSync(path);
  const size = Number(bytes.readBigUInt64BE(SIZE_AT));
  bytes.writeBigUInt64BE(BigInt(512 * (1 + random.below(size / 512))), SIZE_AT);
  fs.writeFileSync(path, bytes);
  return size;
}

/** What QEMU reads of a disk of `size` bytes, VM state behind its end included. */
export function readWithState(path: string, size: number): Buffer {
  const bytes = fs.readFileSync(path);
  bytes.writeBigUInt64BE(BigInt(size), SIZE_AT);
  const [whole, raw] = [`${path}-whole`, `${path}-whole.raw`];
  fs.writeFileSync(whole, bytes);
  mustQemuImg(['convert', '-f', 'qcow2', '-O', 'raw', whole, raw], { cwd: dirname(path) });
  return fs.readFileSync(raw);
}
