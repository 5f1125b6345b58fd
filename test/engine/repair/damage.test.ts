import { repair } from '../../soak/cases/repair';
import { testCases } from '../../support/cases';

testCases('damaged images are repaired', repair, { first: 0, count: 200, batch: 25 });
