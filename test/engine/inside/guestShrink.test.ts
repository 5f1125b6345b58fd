import { guestShrink } from '../../soak/cases/guestShrink';
import { testCases } from '../../support/cases';

testCases('gives up what the file system does not use, and nothing else', guestShrink, {
  first: 17,
  count: 6,
  batch: 3,
});
