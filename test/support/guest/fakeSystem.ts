/** A file system that says what a test tells it to, for tests of what lies below file systems. */
import type { BlockDevice } from '../../../src/guest/blockDevice';
import { GuestError, type GuestProblem } from '../../../src/guest/errors';
import type { FileInfo, FileSystem, Listing, WalkProgress } from '../../../src/guest/fileSystem';
import { deviceOffset, type DeviceOffset } from '../../../src/guest/units';

export interface FakeFacts {
  /** `[start, end)`; the second half unless told. */
  readonly free?: readonly (readonly [number, number])[];
  readonly size?: number;
  readonly doubts?: readonly GuestProblem[];
  /** Files in the root. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Thrown by `list`. */
  readonly listFails?: boolean;
  readonly freeFails?: boolean;
}

export class FakeSystem implements FileSystem {
  readonly kind = 'fake';
  readonly label = '';
  readonly uuid = undefined;
  readonly blockSize = 4096;
  readonly root = 0;
  readonly size: number;
  readonly doubts: readonly GuestProblem[];

  constructor(
    readonly device: BlockDevice,
    readonly facts: FakeFacts = {},
  ) {
    this.size = facts.size ?? device.size;
    this.doubts = facts.doubts ?? [];
  }

  used(): number {
    return 0;
  }

  list(): Listing {
    if (this.facts.listFails === true) throw new GuestError('guest.value');
    const names = Object.keys(this.facts.files ?? {});
    return { entries: names.map((name, index) => ({ name, id: index + 1, type: 'file' })) };
  }

  stat(id: number): FileInfo {
    return { id, type: id === 0 ? 'folder' : 'file', size: 0, allocated: 0, modified: undefined };
  }

  read(id: number, at: number, target: Uint8Array): number {
    const bytes = Object.values(this.facts.files ?? {})[id - 1]!.subarray(at, at + target.length);
    target.set(bytes);
    return bytes.length;
  }

  extents(): [] {
    return [];
  }

  forEachFree(visit: (start: DeviceOffset, length: number) => void, progress: WalkProgress): void {
    const half = Math.floor(this.device.size / 2);
    for (const [start, end] of this.facts.free ?? [[half, this.device.size]])
      visit(deviceOffset(start), end - start);
    progress.report(1, 1);
    if (this.facts.freeFails === true) throw new GuestError('guest.checksum', { what: 'map' });
  }
}
