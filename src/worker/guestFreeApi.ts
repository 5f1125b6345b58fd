/** Space that the guest does not use, as host and thread talk of it. Its ranges never leave the thread. All data is plain. */
import type { FreeSpace } from '../guest/diskFree';
import type { GuestProblem } from '../guest/errors';
import type { ChangeRequest as EngineRequest } from '../qcow2/edit/changeRequest';
import type { ByteLength } from '../qcow2/units';
import type { GuestPart } from './contentsApi';
import type { Problem } from './result';

/** Names a space of the disk. */
export interface GuestSpaceName {
  readonly source: FreeSpace['source'];
  /** Of the partition or volume; the name of the volume group for extents; empty for the whole disk and what no partition has. */
  readonly path: string;
}

export interface GuestSpace extends GuestSpaceName {
  /** What the space is in; absent for extents and unpartitioned space. */
  readonly part?: GuestPart['kind'];
  /** The file system, as people call it; what else the part holds, where that cannot be looked into. Empty for others. */
  readonly system: string;
  /** Of the file system; empty where there is none. */
  readonly label: string;
  /** Bytes of the file that become free; absent where there is a problem. */
  readonly freed?: ByteLength;
  /** Why it may not be given up. */
  readonly problem?: GuestProblem;
}

/** What is known of the space that the guest does not use. */
export interface GuestFree {
  /** Why nothing of it can be given up in this image. */
  readonly problem?: Problem;
  /** What a look has found in the state that is shown; absent before it. */
  readonly spaces?: readonly GuestSpace[];
}

type EngineShrink = Extract<EngineRequest, { readonly kind: 'shrink' }>;

/** A change as the host asks for it: space that the guest does not use is named, and found in the thread. */
export type ChangeRequest =
  | Exclude<EngineRequest, EngineShrink>
  | (Omit<EngineShrink, 'guestFree'> & { readonly guestFree?: readonly GuestSpaceName[] });
