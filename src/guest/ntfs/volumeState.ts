/** What speaks against the map of free clusters: the flags and the version in $Volume, the log, the mirror of the records. */
import { GuestError, type GuestProblem } from '../errors';
import { FileAttributes } from './fileAttributes';
import { doubtOfLog } from './logFile';
import { type Mft, RECORD } from './mft';
import { viewOf } from './numbers';
import { ATTRIBUTE, type FileRecord, residentValue } from './record';

const IS_DIRTY = 0x0001;
/** Flags that say nothing about the state: the volume was in Windows NT 4.0, and is not to have short names. */
const HARMLESS = 0x0008 | 0x0080;
const KNOWN_VERSIONS = ['3.0', '3.1'];
/** Records that the mirror always has. */
const MIRRORED = 4;

/** @returns empty where nothing does */
export function doubtsOf(mft: Mft): GuestProblem[] {
  const doubts: GuestProblem[] = [];
  const note = (look: () => GuestProblem | undefined): void => {
    try {
      const doubt = look();
      if (doubt !== undefined) doubts.push(doubt);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      doubts.push(error.problem);
    }
  };
  note(() => beyondDevice(mft));
  note(() => mft.problem);
  for (const look of [doubtOfVersion, doubtOfFlags]) note(() => look(volumeInformation(mft)));
  note(() => {
    const log = new FileAttributes(mft, mft.record(RECORD.log)).open(ATTRIBUTE.data);
    return log === undefined ? { code: 'ntfs.logUnreadable' } : doubtOfLog(mft, log);
  });
  note(() => doubtOfMirror(mft));
  // Both looks at $Volume tell the same where it cannot be read.
  return doubts.filter(
    (doubt, index) => index === 0 || JSON.stringify(doubt) !== JSON.stringify(doubts[index - 1]),
  );
}

function beyondDevice({ geometry: { size }, device }: Mft): GuestProblem | undefined {
  if (size <= device.size) return undefined;
  return { code: 'guest.beyond', what: 'volume', offset: 0x28, value: size, limit: device.size };
}

interface VolumeInformation {
  readonly version: string;
  readonly flags: number;
}

/** @throws GuestError */
function volumeInformation(mft: Mft): VolumeInformation {
  const file = new FileAttributes(mft, mft.record(RECORD.volume));
  const attribute = file.first(ATTRIBUTE.volumeInformation);
  const value = attribute === undefined ? undefined : residentValue(attribute);
  if (value === undefined || value.length < 12)
    throw new GuestError('guest.value', {
      what: 'volume information',
      offset: file.record.offset,
      value: value?.length ?? 0,
      limit: 12,
    });
  const view = viewOf(value);
  return { version: `${view.getUint8(8)}.${view.getUint8(9)}`, flags: view.getUint16(10, true) };
}

function doubtOfVersion({ version }: VolumeInformation): GuestProblem | undefined {
  if (KNOWN_VERSIONS.includes(version)) return undefined;
  return { code: 'ntfs.version', value: version, limit: KNOWN_VERSIONS.join(', ') };
}

function doubtOfFlags({ flags }: VolumeInformation): GuestProblem | undefined {
  if ((flags & ~HARMLESS) === 0) return undefined;
  const value = `0x${flags.toString(16).padStart(4, '0')}`;
  return { code: (flags & IS_DIRTY) !== 0 ? 'ntfs.dirty' : 'ntfs.flags', value };
}

/** @throws GuestError where a record or its copy cannot be read */
function doubtOfMirror(mft: Mft): GuestProblem | undefined {
  const { mirrorCluster } = mft.geometry;
  for (let number = 0; number < MIRRORED; number++) {
    const copy = mft.recordOfCopy(mirrorCluster, number);
    if (!isSame(mft.record(number), copy)) return { code: 'ntfs.mirror', offset: copy.offset, value: number };
  }
  return undefined;
}

/** But for the update sequence, which may differ. */
function isSame(record: FileRecord, copy: FileRecord): boolean {
  const from = record.view.getUint16(4, true);
  const to = from + 2 * record.view.getUint16(6, true);
  for (let at = 0; at < record.usedBytes; at++)
    if ((at < from || at >= to) && record.bytes[at] !== copy.bytes[at]) return false;
  return true;
}
