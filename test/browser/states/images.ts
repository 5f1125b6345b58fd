/** The images that the states of the page are of. */
import { linkSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { EditableImage } from '../../../src/qcow2/edit/editableImage';
import { guestOffset } from '../../../src/qcow2/units';
import { DamagedFile } from '../../support/damagedFile';
import { writeGiantImage } from '../../support/giantImages';
import { mbrDisk } from '../../support/guest/mbr';
import { makeTwoSystems } from '../../support/guest/twoSystems';
import { image } from '../../support/imageBuilder';
import { mustQemuImg, mustQemuIo } from '../../support/qemu';
import type { Workspace } from '../../support/workspace';

export const TIB = 2 ** 40;
export const CLUSTER = 65536;

/** Writes the images that the states are of. */
export function writeImages(files: Workspace): void {
  const path = (name: string): string => files.path(`${name}.qcow2`);
  image({ size: '4M' }).writeTo(path('empty'));
  image({ size: 0 }).writeTo(path('no-disk'));
  image({ size: '64M', lazyRefcounts: true, featureNames: true })
    .data(0, 120)
    .snapshot('before the update')
    .data(100, 60)
    .zeroPlain(200, 90)
    .zeroAllocated(300, 70)
    .compressed(400, 200)
    .bitmap('nightly-backup')
    .writeTo(path('kinds'));
  image({ extendedL2: true, clusterBits: 16 }).subclusters(0, 'DZ..').data(1, 4).writeTo(path('subclusters'));
  image({ size: '8M' }).data(0, 40).writeTo(path('base'));
  image({ size: '8M', backing: { name: 'base.qcow2' } })
    .data(10, 10)
    .writeTo(path('middle'));
  image({ size: '16M', backing: { name: 'middle.qcow2', format: 'qcow2' } })
    .data(30, 20)
    .writeTo(path('top'));
  mustQemuImg(['create', '-q', '-f', 'raw', files.path('ones'), '32M']);
  mustQemuIo(files.path('ones'), ['write -P 1 0 32M'], {}, ['-f', 'raw']);
  const over = ['-b', files.path('ones'), '-F', 'raw'];
  mustQemuImg(['create', '-q', '-f', 'qcow2', ...over, path('bloated'), '32M']);
  mustQemuIo(path('bloated'), [
    'write -P 0 0 12M',
    'write -P 1 12M 4M',
    'write -P 2 16M 3M',
    'write -z 0 1M',
  ]);
  mustQemuImg(['create', '-q', '-f', 'qcow2', '-o', 'preallocation=metadata', path('hollow'), '16M']);
  mustQemuIo(path('hollow'), ['write -P 3 2M 1M', 'write -P 3 6M 4k']);
  makeTwoSystems(path('two-systems'));
  image({ size: '4M', backing: { name: 'nowhere.qcow2', format: 'qcow2' } })
    .data(0, 8)
    .writeTo(path('orphan'));
  image({ size: '16M' }).data(0, 40).snapshot('first').writeTo(path('damaged'));
  DamagedFile.do(path('damaged'), (file) => {
    file.setRefcount(file.hostCluster(3), 0);
    file.setEntry(7, file.entry(5));
    file.setEntry(9, (1n << 63n) | (1n << 40n));
    file.setEntry(11, file.entry(11) | (1n << 8n));
    file.leak(2);
  });
  image({ size: '16M' }).data(0, 200).writeTo(path('cut'));
  truncateSync(path('cut'), 80 * CLUSTER);
  image({ size: '4M' }).data(0, 8).writeTo(path('dirty'));
  DamagedFile.do(path('dirty'), (file) => {
    file.markDirty();
  });
  image({ size: '4M' }).data(0, 8).writeTo(path('corrupt'));
  image({ size: '8M' }).data(0, 20).snapshot('clean').writeTo(path('held'));
  image({ size: '8M' }).data(0, 20).writeTo(path('two-names'));
  linkSync(path('two-names'), path('other-name'));
  const corrupt = readFileSync(path('corrupt'));
  corrupt[79] = (corrupt[79] ?? 0) | 2;
  writeFileSync(path('corrupt'), corrupt);
  writeFileSync(path('raw'), mbrDisk([0x83, Buffer.alloc(CLUSTER)]));
  writeFileSync(path('broken'), 'this is no image, whatever its name says');
  writeGiantImage(path('giant'), { size: TIB, pattern: 'contiguous' });
  writeHalfEmpty(path('half-empty'));
}

/** Half of the disk is discarded: it takes minutes to compact. */
function writeHalfEmpty(path: string): void {
  const size = TIB;
  writeGiantImage(path, { size, pattern: 'contiguous' });
  const opened = EditableImage.open(path, { followsNames: true, scratchPath: `${path}-scratch` });
  opened.apply({ kind: 'discard', start: guestOffset(0), length: size / 2 });
  opened.save({ keepsUndo: false });
  opened.close();
}
