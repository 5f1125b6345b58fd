/** The matrix, images without a backing file: QEMU judges the output of the command line. */
import { judgeByQemu } from '../support/matrix/judge';
import { SINGLE_IMAGES } from '../support/matrix/singleImages';

judgeByQemu(SINGLE_IMAGES);
