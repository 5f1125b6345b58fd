/** An image in which two internal snapshots use one host cluster for two places of the disk; the active layer does not. */
import { image } from './imageBuilder';

export interface Misused {
  readonly bytes: Buffer;
  /** Of the cluster: bytes from the start of the file. */
  readonly host: number;
  /** Of the second snapshot's entry that leads there, for the guest's second cluster. */
  readonly entry: number;
}

const COPIED = 1n << 63n;
const OFFSET = (1n << 56n) - 512n;

export function misusedBySnapshots(): Misused {
  const built = image({ clusterBits: 12, size: '1M' })
    .data(0, 2)
    .snapshot('one')
    .data(0, 2)
    .snapshot('two')
    .data(0, 2)
    .build();
  const bytes = built.toBuffer();
  const at = built.layout.snapshotTableOffset ?? 0;
  const length = (entry: number): number =>
    40 + bytes.readUInt32BE(entry + 36) + bytes.readUInt16BE(entry + 12) + bytes.readUInt16BE(entry + 14);
  const second = at + Math.ceil(length(at) / 8) * 8;
  const [one, two] = [at, second].map((entry) => {
    const l1 = Number(bytes.readBigUInt64BE(entry));
    return Number(bytes.readBigUInt64BE(l1) & OFFSET);
  });
  if (one === undefined || two === undefined) throw new Error('no tables');
  const host = bytes.readBigUInt64BE(one) & OFFSET;
  bytes.writeBigUInt64BE(host | COPIED, two + 8);
  return { bytes, host: Number(host), entry: two + 8 };
}
