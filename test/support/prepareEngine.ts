/** Runs before each test file: does what a program does when it starts. */
import { prepareZstd } from '../../src/qcow2/image/zstd';
import { prepareRelease } from '../../src/qcow2/io/zlib';
import { useKoffiOf } from '../../src/qcow2/io/koffi';
import { REPOSITORY } from './repository';

useKoffiOf(REPOSITORY);
await prepareZstd();
await prepareRelease();
