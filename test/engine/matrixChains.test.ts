/** The matrix, backing chains: QEMU judges what the headless command says of them. */
import { CHAINS } from '../support/matrix/chains';
import { judgeByQemu } from '../support/matrix/judge';

judgeByQemu(CHAINS);
