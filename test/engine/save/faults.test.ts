import { compactFaults } from '../../soak/cases/compactFaults';
import { saveFaults } from '../../soak/cases/saveFaults';
import { testCases } from '../../support/cases';

testCases('a backing file’s longer name stays until the header no longer names it', saveFaults, {
  first: 858_897_066,
  count: 1,
});

testCases(
  'a save that another program’s repair has unmarked between two groups is told as that',
  compactFaults,
  {
    first: 322_121_919,
    count: 1,
  },
);
