/** The kinds of cases, in the order in which soak takes turns. */
import { changeModel } from './cases/changeModel';
import { compact } from './cases/compact';
import { compactFaults } from './cases/compactFaults';
import { damage } from './cases/damage';
import { editModel } from './cases/editModel';
import { fuzz } from './cases/fuzz';
import { giveBack } from './cases/giveBack';
import { giveBackFaults } from './cases/giveBackFaults';
import { guestExt } from './cases/guestExt';
import { guestFat } from './cases/guestFat';
import { guestNtfs } from './cases/guestNtfs';
import { guestShrink } from './cases/guestShrink';
import { guestXfs } from './cases/guestXfs';
import { guestVol } from './cases/guestVol';
import { leaks } from './cases/leaks';
import { repair } from './cases/repair';
import { saveFaults } from './cases/saveFaults';
import { shrink } from './cases/shrink';
import { truncated } from './cases/truncated';
import { twins } from './cases/twins';
import type { Kind } from './kind';

export const KINDS: readonly Kind[] = [
  { name: 'fuzz', memoryLimit: 256 * 1024 * 1024, run: fuzz },
  { name: 'save-faults', run: saveFaults },
  { name: 'change-model', run: changeModel },
  { name: 'edit-model', run: editModel },
  { name: 'twins', run: twins },
  { name: 'damage', run: damage },
  { name: 'repair', run: repair },
  { name: 'leaks', run: leaks },
  { name: 'truncated', run: truncated },
  { name: 'give-back', run: giveBack },
  { name: 'give-back-faults', run: giveBackFaults },
  { name: 'shrink', run: shrink },
  { name: 'compact', run: compact },
  { name: 'compact-faults', run: compactFaults },
  { name: 'guest-ext', memoryLimit: 256 * 1024 * 1024, run: guestExt },
  { name: 'guest-fat', memoryLimit: 256 * 1024 * 1024, run: guestFat },
  { name: 'guest-ntfs', memoryLimit: 768 * 1024 * 1024, run: guestNtfs },
  { name: 'guest-xfs', run: guestXfs },
  { name: 'guest-shrink', run: guestShrink },
  { name: 'guest-vol', memoryLimit: 256 * 1024 * 1024, run: guestVol },
];
