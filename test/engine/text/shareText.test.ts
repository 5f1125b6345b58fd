import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareText } from '../../../src/text/shareText';

describe('shareText', () => {
  it('says 0 % and 100 % only where it is exactly so', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), fc.nat(), (whole, seed) => {
        const part = seed % (whole + 1);
        const text = shareText(part, whole);
        expect(text === '0 %').toBe(part === 0);
        expect(text === '100 %').toBe(part === whole);
      }),
    );
  });
});
