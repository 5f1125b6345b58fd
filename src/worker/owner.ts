/** The process that a file in the extension's storage belongs to: leftovers are deleted once it has ended. */
export { isRunning, thisThread } from '../qcow2/save/writer';
export type { Writer as Owner } from '../qcow2/save/disk';
