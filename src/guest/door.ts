/**
 * What the programs call of this room. Its code is a bundle of its own, loaded when it is first needed (inside/guestCode.ts):
 * most runs of the command and most threads never look into a disk, and would start a tenth later.
 */
export { openDisk } from './disk';
export { diskContents } from './diskContents';
export { freeRanges, USUAL_CHOICES } from './diskFree';
export { Owners } from './owners';
export { forEachFilePlace, placesOf } from './places';
export { covered, Ranges } from './ranges';
export { READERS } from './readers';
export { resolve } from './resolve';
export { forEachFile, walkFiles } from './walk';
