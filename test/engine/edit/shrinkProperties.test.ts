import { shrink } from '../../soak/cases/shrink';
import { testCases } from '../../support/cases';

testCases('an image is shrunk, and reads as before', shrink, { first: 0, count: 40, batch: 10 });
