import { changeModel } from '../../soak/cases/changeModel';
import { testCases } from '../../support/cases';

testCases('random changes do what they do to a model of the disk', changeModel, {
  first: 3_000_009,
  count: 25,
});
