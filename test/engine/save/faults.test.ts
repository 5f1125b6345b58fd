import { saveFaults } from '../../soak/cases/saveFaults';
import { testCases } from '../../support/cases';

testCases('a backing file’s longer name stays until the header no longer names it', saveFaults, {
  first: 858_897_066,
  count: 1,
});
