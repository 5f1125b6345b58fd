/**
 * What is lost since a file ends before it: a download or a copy that was cut off. QEMU reads zeroes there and says
 * nothing.
 */
import type { Problem } from '../errors';
import { RunKind, type Layer } from '../image/layer';
import type { CellKind } from './cellCounts';

/** What is past the end of a layer's data file. */
export interface Lost {
  /** Guest bytes. */
  bytes: number;
  /** The offset of the file that it would reach to. */
  end: number;
  /** L2 tables are lost, too. All bytes count that they stand for: there may be fewer. */
  hasTables: boolean;
}

/** Bytes of a run, at its end, that are past the end of the file; what reads as zero loses nothing there. */
export function lostBytes(
  { dataEnd, dataFile }: Pick<Layer, 'dataEnd' | 'dataFile'>,
  length: number,
  kind: RunKind,
  host: number,
): number {
  if (kind === RunKind.data) return Math.min(length, Math.max(0, host + length - dataEnd));
  // A stream is shorter than what it holds: where it begins is all that is known here.
  return kind === RunKind.compressed && host >= dataFile.size ? length : 0;
}

/** A table past the end of the file is no broken entry: what it said is lost with it. */
export const kindOfBroken = ({ code }: Problem): CellKind & ('missing' | 'invalid') =>
  code === 'table.beyondFile' ? 'missing' : 'invalid';

/** What is lost of a layer, as a problem of its file; undefined where it is all there. */
export function incompleteFile(
  { file, dataFile }: Pick<Layer, 'file' | 'dataFile'>,
  { bytes, end, hasTables }: Lost,
): Problem | undefined {
  if (bytes === 0) return undefined;
  const facts = { kind: 'format', value: end, amount: bytes } as const;
  // Tables are in the image itself, whatever holds the data.
  if (hasTables) return { ...facts, code: 'file.incompleteTables', file: file.name, limit: file.size };
  const code = dataFile === file ? 'file.incomplete' : 'file.incompleteData';
  return { ...facts, code, file: dataFile.name, limit: dataFile.size };
}
