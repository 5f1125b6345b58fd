/** Runs before every test file: makes ready what a program makes ready when it starts. */
import { prepareZstd } from '../../src/qcow2/image/zstd';

await prepareZstd();
