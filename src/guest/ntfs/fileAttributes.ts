/** All attributes of a file: those of its first record, and those that its attribute list ($ATTRIBUTE_LIST) places elsewhere. */
import { GuestError, type GuestProblem } from '../errors';
import { type Reference, readReference, readUtf16, unsigned64, viewOf } from './numbers';
import { appendRuns, ATTRIBUTE, type Attribute, type FileRecord, placedSizes, residentValue } from './record';
import { Runs } from './runs';
import { type Stream, readStream, type StreamVolume } from './stream';

/** Windows, too, has lists up to this size only. */
const LARGEST_LIST = 256 * 1024;
const LIST_ENTRY = 0x1a;
/** Records that continue a file, kept: it may have thousands. */
const KEPT_RECORDS = 64;

export interface AttributeVolume extends StreamVolume {
  /** @throws GuestError */
  record(number: number): FileRecord;
}

interface ListEntry {
  readonly type: number;
  readonly name: string;
  readonly lowestVcn: number;
  readonly reference: Reference;
  readonly instance: number;
}

export class FileAttributes {
  readonly #volume: AttributeVolume;
  /** Undefined where all attributes are in the first record. */
  readonly #list: readonly ListEntry[] | undefined;
  /** Records that continue the first one, by number. */
  #others: Map<number, FileRecord> | undefined;
  /** Why attributes may be missing. */
  readonly problem: GuestProblem | undefined;

  constructor(
    volume: AttributeVolume,
    readonly record: FileRecord,
  ) {
    this.#volume = volume;
    this.problem = record.problem;
    const list = record.attributes.find(({ type }) => type === ATTRIBUTE.list);
    if (list === undefined) return;
    try {
      this.#list = readList(volume, list);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      this.problem ??= error.problem;
    }
  }

  /**
   * The attributes of a type, each by its first part.
   * @param onProblem hears of those that cannot be read; without it, they are thrown
   */
  all(type: number, onProblem?: (problem: GuestProblem) => void): Attribute[] {
    const found: Attribute[] = [];
    if (this.#list === undefined) {
      for (const attribute of this.record.attributes)
        if (attribute.type === type && attribute.lowestVcn === 0) found.push(attribute);
      return found;
    }
    for (const entry of this.#list) {
      if (entry.type !== type || entry.lowestVcn !== 0) continue;
      const attribute = this.#tried(entry, onProblem);
      if (attribute !== undefined) found.push(attribute);
    }
    return found;
  }

  /** The first part of an attribute. @throws GuestError where its record cannot be read */
  first(type: number, name = ''): Attribute | undefined {
    const isIt = (each: Attribute | ListEntry): boolean =>
      each.type === type && each.name === name && each.lowestVcn === 0;
    if (this.#list === undefined) return this.record.attributes.find(isIt);
    const entry = this.#list.find(isIt);
    return entry === undefined ? undefined : this.#resolve(entry);
  }

  /** The parts of an attribute behind the first one, in the order of the list: ascending by VCN. @throws GuestError */
  *#further(type: number, name: string): Generator<Attribute> {
    for (const entry of this.#list ?? [])
      if (entry.type === type && entry.name === name && entry.lowestVcn !== 0) yield this.#resolve(entry);
  }

  /**
   * An attribute as contents that can be read.
   * @param into gets where they are
   * @returns undefined where there is no such attribute
   * @throws GuestError where it is not whole
   */
  open(type: number, name = '', into?: Runs): Stream | undefined {
    const first = this.first(type, name);
    if (first === undefined) {
      if (this.problem !== undefined) throw errorOf(this.problem);
      const attributes: readonly (Attribute | ListEntry)[] = this.#list ?? this.record.attributes;
      const other = attributes.find((each) => each.type === type && each.name === name);
      if (other === undefined) return undefined;
      const { offset } = this.record;
      throw new GuestError('guest.value', { what: 'lowest VCN', offset, value: other.lowestVcn, limit: 0 });
    }
    if (first.isResident) return streamOf(first, undefined);
    const runs = into ?? newRuns(this.#volume);
    const stream = streamOf(first, runs);
    appendRuns(first, runs);
    for (const part of this.#further(type, name)) appendRuns(part, runs);
    expectWhole(stream, this.record, this.#volume);
    return stream;
  }

  #tried(entry: ListEntry, onProblem: ((problem: GuestProblem) => void) | undefined): Attribute | undefined {
    try {
      return this.#resolve(entry);
    } catch (error) {
      if (onProblem === undefined || !(error instanceof GuestError)) throw error;
      onProblem(error.problem);
      return undefined;
    }
  }

  #resolve({ type, name, lowestVcn, reference, instance }: ListEntry): Attribute {
    const record = this.#recordOf(reference);
    for (const each of record.attributes)
      if (
        each.instance === instance &&
        each.type === type &&
        each.lowestVcn === lowestVcn &&
        each.name === name
      )
        return each;
    const value = `0x${type.toString(16)}`;
    throw new GuestError('guest.value', {
      what: 'attribute list',
      offset: record.offset,
      value,
      limit: 'an attribute of the record',
    });
  }

  #recordOf({ record: number, sequence }: Reference): FileRecord {
    if (number === this.record.number) return this.record;
    const known = this.#others?.get(number);
    if (known !== undefined) return known;
    const record = this.#volume.record(number);
    const { base } = record;
    const isOurs =
      record.isInUse &&
      record.sequence === sequence &&
      base.record === this.record.number &&
      base.sequence === this.record.sequence;
    if (!isOurs)
      throw new GuestError('guest.value', {
        what: 'record that continues another',
        offset: record.offset,
        value: base.record,
        limit: this.record.number,
      });
    if (this.#others === undefined || this.#others.size >= KEPT_RECORDS) this.#others = new Map();
    this.#others.set(number, record);
    return record;
  }
}

export const newRuns = ({ geometry: { clusters, clusterSize } }: StreamVolume): Runs =>
  new Runs(clusters, Math.floor(Number.MAX_SAFE_INTEGER / clusterSize));

/** @throws GuestError `guest.value` */
function streamOf(part: Attribute, runs: Runs | undefined): Stream {
  const { flags } = part;
  if (part.isResident) {
    const resident = residentValue(part);
    return {
      size: resident.length,
      initialised: resident.length,
      flags,
      unitClusters: 0,
      resident,
      runs: undefined,
    };
  }
  const { size, initialised, unitClusters } = placedSizes(part);
  return { size, initialised: Math.min(size, initialised), flags, unitClusters, resident: undefined, runs };
}

/** @throws GuestError `guest.value` where the last parts are missing */
function expectWhole({ size, runs }: Stream, { offset }: FileRecord, volume: StreamVolume): void {
  if (runs === undefined) return;
  const mapped = runs.end * volume.geometry.clusterSize;
  if (mapped < size)
    throw new GuestError('guest.value', { what: 'size of contents', offset, value: size, limit: mapped });
}

/** @throws GuestError `guest.value`, `guest.tooMany`, or where the list cannot be read */
function readList(volume: StreamVolume, list: Attribute): ListEntry[] {
  const runs = newRuns(volume);
  const stream = streamOf(list, runs);
  const { offset } = list.record;
  if (stream.size > LARGEST_LIST)
    throw new GuestError('guest.tooMany', {
      what: 'bytes of an attribute list',
      offset,
      value: stream.size,
      limit: LARGEST_LIST,
    });
  if (!list.isResident) appendRuns(list, runs);
  expectWhole(stream, list.record, volume);
  const bytes = new Uint8Array(stream.size);
  readStream(volume, stream, 0, bytes);
  const view = viewOf(bytes);
  const entries: ListEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at;
    const length = left >= LIST_ENTRY ? view.getUint16(at + 4, true) : 0;
    const units = length === 0 ? 0 : view.getUint8(at + 6);
    const nameAt = length === 0 ? 0 : view.getUint8(at + 7);
    if (
      length < LIST_ENTRY ||
      length % 8 !== 0 ||
      length > left + 7 ||
      nameAt + 2 * units > Math.min(length, left)
    )
      throw new GuestError('guest.value', { what: 'attribute list', offset, value: length, limit: left });
    entries.push({
      type: view.getUint32(at, true),
      name: units === 0 ? '' : readUtf16(bytes, at + nameAt, units),
      lowestVcn: unsigned64(view, at + 8, 'attribute list', offset),
      reference: readReference(view, at + 0x10),
      instance: view.getUint16(at + 0x18, true),
    });
    at += length;
  }
  return entries;
}

export function errorOf({ code, ...facts }: GuestProblem): GuestError {
  return new GuestError(code, facts);
}
