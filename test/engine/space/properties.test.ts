import { giveBack } from '../../soak/cases/giveBack';
import { testCases } from '../../support/cases';

testCases('free space goes, and nothing that anybody reads', giveBack, { first: 0, count: 25, batch: 5 });
