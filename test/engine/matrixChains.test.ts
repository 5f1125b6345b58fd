/** The matrix, backing chains: QEMU judges the output of the command line. */
import { CHAINS } from '../support/matrix/chains';
import { judgeByQemu } from '../support/matrix/judge';

judgeByQemu(CHAINS);
