/** The images that the walkthrough opens: small, with a bit of everything. They are packaged. */
import * as path from 'node:path';
import { image, text } from '../../test/support/imageBuilder';

/** Writes `sample.qcow2` and the file that it depends on. */
export function writeWalkthroughSamples(folder: string): void {
  const size = '4M';
  const clusterBits = 12;
  image({ size, clusterBits })
    .data(0, 12, text(1))
    .data(300, 30, text(2))
    .compressed(400, 60)
    .data(700, 8, text(3))
    .writeTo(path.join(folder, 'sample-base.qcow2'));
  image({ size, clusterBits, featureNames: true, backing: { name: 'sample-base.qcow2', format: 'qcow2' } })
    .data(4, 20, text(4))
    .zeroPlain(60, 40)
    .zeroAllocated(110, 6, text(5))
    .compressed(160, 70)
    .data(310, 12, text(6))
    .snapshot('before the update')
    .data(520, 16, text(7))
    .bitmap('nightly-backup')
    .writeTo(path.join(folder, 'sample.qcow2'));
}
