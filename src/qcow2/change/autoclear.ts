/**
 * Autoclear feature bits (qcow2.txt, bytes 88 to 95): whoever changes an image clears those that it does not know.
 * Bitmaps and raw external data are kept right.
 */
import { dataView } from '../format/bytes';
import { FEATURE_NAMES, setBits } from '../format/features';
import { headerField } from '../format/headerFields';
import type { ChangeContext } from './context';
import type { TallyCounter } from './tally';

const KNOWN = 2n ** BigInt(FEATURE_NAMES.autoclear.length) - 1n;

export function clearUnknownAutoclear({ image, file }: ChangeContext, tally: TallyCounter): void {
  const { autoclear } = image.features;
  const unknown = autoclear & ~KNOWN;
  if (unknown === 0n) return;
  const field = new Uint8Array(8);
  dataView(field).setBigUint64(0, autoclear & KNOWN);
  file.write(field, headerField('autoclear_features').offset);
  tally.autoclearBitsCleared = setBits(unknown);
}
