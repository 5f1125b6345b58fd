/**
 * Ids of files. An id is the number of the file's record plus 2^32 times the sequence number by which a directory refers to
 * it, so that a reference to a file that was deleted does not lead to the one that has its record now. Sequence number 0
 * stands for whatever file has the record.
 */
import type { FileId } from '../fileSystem';
import type { Reference } from './numbers';

const RECORDS = 2 ** 32;

/** @returns undefined where no table has a record of this number */
export function idOf({ record, sequence }: Reference): FileId | undefined {
  return record < RECORDS ? sequence * RECORDS + record : undefined;
}

/** @param id a whole number from 0 to 2^48 − 1 */
export function referenceOf(id: FileId): Reference {
  return { record: id % RECORDS, sequence: Math.floor(id / RECORDS) };
}
