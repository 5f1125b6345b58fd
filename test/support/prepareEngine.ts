/** Runs before every test file: makes ready what a program makes ready when it starts. */
import { prepareZstd } from '../../src/qcow2/image/zstd';
import { useKoffiOf } from '../../src/qcow2/io/koffi';
import { REPOSITORY } from './process';

useKoffiOf(REPOSITORY);
await prepareZstd();
