/** A forged journal: it is valid, and would overwrite another file of the user. */
import * as fs from 'node:fs';
import { checksum } from '../../src/qcow2/io/checksum';
import type { DiskFileIdentity, Writer } from '../../src/qcow2/save/disk';
import { withMark } from '../../src/qcow2/save/groupContent';
import {
  encodeHead,
  encodeRecord,
  encodeSeal,
  fold,
  HEAD_OFFSET,
  journalPath,
  recordLength,
  SealState,
  stepsOf,
} from '../../src/qcow2/save/journalFormat';
import { Role, SECTOR } from '../../src/qcow2/save/role';
import { hostOffset } from '../../src/qcow2/units';

export interface Forgery {
  readonly image: string;
  /** The image names it as its external data file; a sector of it is to become `content`. */
  readonly target: string;
  /** Of that sector; the first one unless told. */
  readonly offset?: number;
  readonly content: Uint8Array;
  readonly writer: Writer;
  /** What the journal says of the file. */
  readonly identity: DiskFileIdentity;
}

/** Marks the image as if it were being saved, and writes the journal beside it. */
export function forgeJournal({ image, target, offset = 0, content, writer, identity }: Forgery): void {
  const bytes = fs.readFileSync(image);
  const before = new Uint8Array(bytes.subarray(0, SECTOR));
  const marked = withMark(before, before);
  bytes.set(marked);
  fs.writeFileSync(image, bytes);
  const now = new Uint8Array(SECTOR);
  now.set(fs.readFileSync(target).subarray(offset, offset + SECTOR));
  const { size: dataSize } = fs.statSync(target);
  const head = encodeHead({
    writer,
    version: 3,
    refcountBits: 16,
    pointer: 'extend',
    image: { path: image, identity, oldSize: bytes.length, newSize: bytes.length },
    dataFile: { path: target, identity, oldSize: dataSize, newSize: dataSize },
  });
  const sums = [marked, marked, marked, marked, before].map((each) => checksum(each));
  const records = [
    record(0, Role.header, sums, before),
    record(1, Role.data, [checksum(now)], content, offset),
  ];
  const sum = records.reduce((all, each) => fold(all, each.sum), checksum(head));
  const length = HEAD_OFFSET + head.length + records.reduce((all, each) => all + each.bytes.length, 0);
  const seal = encodeSeal({ state: SealState.sealed, count: records.length, length, sum });
  const journal = Buffer.concat([seal, head, ...records.map((each) => each.bytes)]);
  fs.writeFileSync(journalPath(image), journal, { mode: 0o600 });
}

/** Of one sector of a file. */
function record(
  file: 0 | 1,
  role: Role,
  sums: readonly number[],
  old: Uint8Array,
  offset = 0,
): { bytes: Uint8Array; sum: number } {
  const header = { file, role, isFill: false, offset: hostOffset(offset), sectors: 1, oldLength: SECTOR };
  if (sums.length !== stepsOf(role)) throw new Error('each group has a content');
  const bytes = new Uint8Array(recordLength(header));
  return { bytes, sum: encodeRecord(bytes, header, Float64Array.from(sums), old, undefined) };
}
