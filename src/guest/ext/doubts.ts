/** Why the map of free space may not be believed, as far as that can be told without reading the map. */
import { GuestError, type GuestProblem } from '../errors';
import { readContents } from './contents';
import {
  HAS_JOURNAL,
  JOURNAL_DEVICE,
  MMP,
  RECOVER,
  unknownIncompatible,
  unknownReadOnlyCompatible,
} from './features';
import { readInode } from './inode';
import { SUPERBLOCK_AT } from './superblock';
import type { Volume } from './volume';

const NEWEST_REVISION = 1;
const CRC32C_TYPE = 1;
const MMP_CLEAN = 0xff4d_4d50;
const MMP_SEQUENCE_AT = 4;

/** The superblock of the journal; all is big-endian. */
const JOURNAL_MAGIC = 0xc03b_3998;
const JOURNAL_START_AT = 0x1c;
const JOURNAL_ERROR_AT = 0x20;
const JOURNAL_HEADER = 0x24;

/** @returns what is wrong, the most important first; empty where nothing is */
export function doubtsOf(volume: Volume): readonly GuestProblem[] {
  const { superblock, deviceSize } = volume;
  const { incompatible, compatible, revision, blocks, blockSize, checksumType } = superblock;
  const offset = SUPERBLOCK_AT;
  if ((incompatible & JOURNAL_DEVICE) !== 0) return [{ code: 'ext.journalDevice', offset }];
  const doubts: GuestProblem[] = [];
  if ((incompatible & RECOVER) !== 0) doubts.push({ code: 'ext.recover', offset });
  if (!superblock.isClean) doubts.push({ code: 'ext.unclean', offset });
  if (superblock.hasErrors) doubts.push({ code: 'ext.errors', offset });
  const unknown = unknownIncompatible(superblock);
  if (unknown !== 0) doubts.push({ code: 'ext.incompatible', offset, value: hex(unknown) });
  const unknownReadOnly = unknownReadOnlyCompatible(superblock);
  if (unknownReadOnly !== 0)
    doubts.push({ code: 'ext.readOnlyCompatible', offset, value: hex(unknownReadOnly) });
  if (revision > NEWEST_REVISION)
    doubts.push({ code: 'ext.revision', offset, value: revision, limit: NEWEST_REVISION });
  if (superblock.hasMetadataChecksums && checksumType !== CRC32C_TYPE) {
    const what = 's_checksum_type';
    doubts.push({
      code: 'guest.value',
      what,
      offset: offset + 0x175,
      value: checksumType,
      limit: CRC32C_TYPE,
    });
  } else if (!superblock.isChecksumRight) doubts.push({ code: 'guest.checksum', what: 'superblock', offset });
  if (blocks * blockSize > deviceSize)
    doubts.push({ code: 'ext.larger', offset, value: blocks * blockSize, limit: deviceSize });
  const others = [
    (incompatible & MMP) === 0 ? undefined : tried(() => mountDoubt(volume)),
    (compatible & HAS_JOURNAL) === 0 || superblock.journalInode === 0
      ? undefined
      : tried(() => journalDoubt(volume)),
  ];
  for (const doubt of others) if (doubt !== undefined) doubts.push(doubt);
  return doubts;
}

const hex = (bits: number): string => `0x${bits.toString(16)}`;

/** A problem of a structure is a doubt like any other. */
function tried(action: () => GuestProblem | undefined): GuestProblem | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof GuestError) return error.problem;
    throw error;
  }
}

/** Multiple mount protection: a block says whether a system has the file system open. */
function mountDoubt(volume: Volume): GuestProblem | undefined {
  const { mmpBlock } = volume.superblock;
  const block = volume.readBlock(mmpBlock, 'MMP block');
  const sequence = new DataView(block.buffer).getUint32(MMP_SEQUENCE_AT, true);
  return sequence === MMP_CLEAN
    ? undefined
    : { code: 'ext.inUse', what: 'MMP block', offset: volume.offsetOf(mmpBlock) };
}

/** A journal in the file system must be empty, whatever the superblock says. */
function journalDoubt(volume: Volume): GuestProblem | undefined {
  const inode = readInode(volume, volume.superblock.journalInode);
  const header = new Uint8Array(JOURNAL_HEADER);
  readContents(volume, inode, 0, header);
  const view = new DataView(header.buffer);
  const offset = inode.blockOffset;
  const magic = view.getUint32(0);
  if (magic !== JOURNAL_MAGIC)
    return { code: 'guest.value', what: 'journal', offset, value: magic, limit: hex(JOURNAL_MAGIC) };
  if (view.getUint32(JOURNAL_START_AT) !== 0) return { code: 'ext.recover', what: 'journal', offset };
  if (view.getUint32(JOURNAL_ERROR_AT) !== 0) return { code: 'ext.errors', what: 'journal', offset };
  return undefined;
}
