/** An image cut off so that only data of an internal snapshot is lost. */
import * as fs from 'node:fs';
import { mustQemuImg, mustQemuIo } from './qemu';

const CLUSTER = 65536;

/**
 * Writes a disk of 16 MiB with a snapshot `one`. The last four clusters of the file are the snapshot's alone, for the four
 * guest clusters before 1 MiB; all tables lie before them.
 * @param lost clusters that are cut off the file: up to four
 * @returns bytes of the file
 */
export function writeCutSnapshot(path: string, lost: number): number {
  const kept = 4;
  const start = 2 ** 20 - kept * CLUSTER;
  mustQemuImg(['create', '-q', '-f', 'qcow2', path, '16M']);
  // Discarding leaves free clusters before the data, for the tables of the snapshot and for overwritten data.
  mustQemuIo(path, ['write -P 3 8M 1M', 'write -P 1 0 1M', 'discard 8M 1M']);
  mustQemuImg(['snapshot', '-c', 'one', path]);
  mustQemuIo(path, [`write -P 2 ${start} ${kept * CLUSTER}`]);
  const size = Math.ceil(fs.statSync(path).size / CLUSTER) * CLUSTER - lost * CLUSTER;
  fs.truncateSync(path, size);
  return size;
}
