import { leaks } from '../../soak/cases/leaks';
import { testCases } from '../../support/cases';

testCases('damaged images have their leaks repaired', leaks, { first: 0, count: 300, batch: 50 });
// The refcount block is an L2 table as well.
testCases('a refcount block that is a table, too, stays as it is', leaks, { first: 59_605_497, count: 1 });
