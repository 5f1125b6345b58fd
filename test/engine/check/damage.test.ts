import { damage } from '../../soak/cases/damage';
import { testCases } from '../../support/cases';

testCases('damaged images get the counts that QEMU has', damage, { first: 0, count: 800, batch: 50 });
