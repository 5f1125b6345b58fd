/** The matrix, images without a backing file: QEMU judges what the headless command says of them. */
import { judgeByQemu } from '../support/matrix/judge';
import { SINGLE_IMAGES } from '../support/matrix/singleImages';

judgeByQemu(SINGLE_IMAGES);
