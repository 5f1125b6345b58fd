import { damage } from '../../soak/cases/damage';
import { testCases } from '../../support/cases';

testCases('damaged images get the counts that QEMU has', damage, { first: 0, count: 800, batch: 50 });
// Neighbours whose refcounts beyond 2^53 differ by less than a number can tell.
testCases('wide refcounts are told exactly', damage, { first: 610804818, count: 1, batch: 1 });
