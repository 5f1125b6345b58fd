import { twins } from '../../soak/cases/twins';
import { testCases } from '../../support/cases';

testCases('random changes map and read as those of QEMU', twins, { first: 7_000_231, count: 25 });
