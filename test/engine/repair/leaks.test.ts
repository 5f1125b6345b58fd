import { leaks } from '../../soak/cases/leaks';
import { testCases } from '../../support/cases';

testCases('damaged images have their leaks repaired', leaks, { first: 0, count: 300, batch: 50 });
// The refcount block is an L2 table as well.
testCases('a refcount block that is a table, too, stays as it is', leaks, { first: 59_605_497, count: 1 });

testCases('flags are corrected beside a table that is data, too', leaks, { first: 45_617_427, count: 1 });

testCases('QEMU gives up where a snapshot claims the whole file', leaks, { first: 45_615_670, count: 1 });
