import { leaks } from '../../soak/cases/leaks';
import { testCases } from '../../support/cases';

testCases('damaged images have their leaks repaired', leaks, { first: 0, count: 300, batch: 50 });
