/** Makes the images of test/fixtures/guest/xfs (make.mjs there bundles and runs it). */
import * as fs from 'node:fs';
import { seededRandom } from '../../builder/random';
import { workspace } from '../../workspace';
import { writeFixture } from './fixtures';
import { judgedFree } from './judge';
import { kernelTree } from './known';
import { must, whileMounted } from './mounted';
import { makeXfs } from './proto';
import { workOn, type WorkloadOptions } from './workload';

interface Plan extends Partial<WorkloadOptions> {
  readonly name: string;
  readonly args: string;
  /** MiB. */
  readonly size?: number;
  /** Stops without unmounting: the log has what the rest of the disk has not. */
  readonly isCrash?: boolean;
  /** The bit of a feature that mkfs.xfs is too old for, to be set before the first mount. */
  readonly incompatible?: string;
}

const PLANS: readonly Plan[] = [
  { name: 'plain', args: '', steps: 250, largeFolder: 500, pieces: 500 },
  { name: 'big-counters-1k', args: '-b size=1k -i nrext64=1', pieces: 900 },
  { name: 'inode-2048-directory-8k', args: '-i size=2048 -n size=8k', largeFolder: 700 },
  { name: 'directory-64k', args: '-n size=64k', largeFolder: 1500 },
  {
    name: 'no-bigtime-no-reflink-no-sparse',
    args: '-m bigtime=0,inobtcount=0,reflink=0,finobt=0 -i sparse=0',
    hasReflink: false,
  },
  { name: 'rmap-4-groups', args: '-m rmapbt=1 -d agcount=4', size: 72 },
  { name: 'sector-4k-stripe', args: '-s size=4k -l su=32k' },
  { name: '16-groups-1k', args: '-b size=1k -n size=4k -d agcount=16', size: 260, largeFolder: 400 },
  { name: 'exchange', args: '', incompatible: '0x4b', steps: 60 },
  { name: 'unclean', args: '', steps: 60, largeFolder: 0, pieces: 20, isCrash: true },
];

for (const [index, plan] of PLANS.entries()) make(plan, index);

function make(plan: Plan, index: number): void {
  const { name, args, size = 40, steps = 120, largeFolder = 150, pieces = 60, hasReflink = true } = plan;
  const place = workspace();
  const image = place.path('xfs.img');
  const point = place.path('mounted');
  makeXfs(image, size, args === '' ? [] : args.split(' '));
  if (plan.incompatible !== undefined)
    must('xfs_db', ['-x', '-c', 'sb 0', '-c', `write features_incompat ${plan.incompatible}`, image]);
  whileMounted(image, point, 'rw', () => {
    workOn(point, seededRandom(index + 1), { steps, largeFolder, pieces, hasReflink });
    if (plan.isCrash === true) must('xfs_io', ['-x', '-c', 'shutdown -f', point]);
  });
  if (plan.isCrash === true) {
    console.log(name, writeFixture(name, image, { tree: {}, free: [] }));
  } else {
    must('xfs_repair', ['-n', image]);
    const tree = whileMounted(image, point, 'ro', () => kernelTree(point, 1000));
    const bytes = writeFixture(name, image, { tree, free: judgedFree(image) });
    console.log(name, bytes, Object.keys(tree).length, fs.statSync(image).size);
  }
  place.remove();
}
