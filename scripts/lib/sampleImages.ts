/** The sample images of `npm start`, built by the image builder of the tests, without QEMU. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { writeGiantImage } from '../../test/support/giantImages';
import { image } from '../../test/support/imageBuilder';

const TIB = 2 ** 40;

/** Offset of the header's field `l1_table_offset` (qcow2.txt, "Header"). */
const L1_TABLE_OFFSET_FIELD = 40;

/** Samples by file name; the first is the one to open. */
const SAMPLES: Readonly<Record<string, (file: string) => void>> = {
  'every-kind-of-cluster.qcow2': writeEveryKind,
  'chain-3-top.qcow2': writeTop,
  'chain-2-middle.qcow2': writeMiddle,
  'chain-1-base.qcow2': writeBase,
  'huge-1-TiB.qcow2': (file) => {
    writeGiantImage(file, { size: TIB, pattern: 'contiguous' });
  },
  'compressed-subclusters.qcow2': writeSubclusters,
  'damaged.qcow2': writeDamaged,
};

/** Names of the sample files; the first is the one to open. */
export const sampleNames: readonly string[] = Object.keys(SAMPLES);

/** Writes the samples that do not exist yet. */
export function writeSamples(folder: string): void {
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, write] of Object.entries(SAMPLES)) {
    const file = path.join(folder, name);
    if (fs.existsSync(file)) continue;
    // A file with the right name is complete.
    const temporary = `${file}.part`;
    write(temporary);
    fs.renameSync(temporary, file);
  }
}

/** 64 MiB with ranges of every kind, internal snapshots and a bitmap, so that each part of the page shows something. */
function writeEveryKind(file: string): void {
  image({ size: '64M', lazyRefcounts: true, featureNames: true })
    .data(0, 120)
    .snapshot('before the update')
    .data(100, 60)
    .zeroPlain(200, 90)
    .zeroAllocated(300, 70)
    .compressed(400, 200)
    .data(640, 16)
    .data(700, 4)
    .compressed(704, 4)
    .zeroPlain(708, 4)
    .data(960, 64)
    .snapshot('after the update')
    .bitmap('nightly-backup')
    .writeTo(file);
}

function writeBase(file: string): void {
  image({ size: '48M' }).data(0, 300).compressed(300, 100).writeTo(file);
}

function writeMiddle(file: string): void {
  image({ size: '64M', backing: { name: 'chain-1-base.qcow2', format: 'qcow2' } })
    .data(150, 60)
    .zeroPlain(330, 40)
    .data(800, 100)
    .writeTo(file);
}

function writeTop(file: string): void {
  image({ size: '64M', backing: { name: 'chain-2-middle.qcow2', format: 'qcow2' } })
    .data(20, 10)
    .data(180, 8)
    .zeroPlain(820, 30)
    .writeTo(file);
}

function writeSubclusters(file: string): void {
  const builder = image({ size: '32M', extendedL2: true, compression: 'deflate' })
    .data(0, 64)
    .compressed(96, 128)
    .zeroPlain(256, 32);
  for (let cluster = 300; cluster < 364; cluster += 2) {
    builder.subclusters(cluster, 'DDDDDDDDZZZZ....DDDDZZZZ........');
    builder.subclusters(cluster + 1, 'Z...');
  }
  builder.writeTo(file);
}

/** Its header puts the L1 table at an offset that is not a multiple of the cluster size. */
function writeDamaged(file: string): void {
  const built = image({ size: '16M' }).data(0, 8).build();
  const bytes = built.toBuffer();
  bytes.writeBigUInt64BE(BigInt(built.layout.l1Offset + 512), L1_TABLE_OFFSET_FIELD);
  fs.writeFileSync(file, bytes);
}
