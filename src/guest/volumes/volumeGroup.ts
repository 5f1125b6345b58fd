/**
 * A volume group as its metadata describes it: physical volumes, logical volumes and their segments. Only linear and striped
 * segments have a place that can be computed; volumes with any other keep their names and the reason.
 */
import type { BlockDevice } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import { covered, Ranges, without } from '../ranges';
import { ConfigSection, countOf, listOf, sectionsIn, sectionsOf, textOf } from './configText';
import { MappedDevice, type MappedSegment, type Stripe } from './mappedDevice';
import type { PhysicalVolume } from './physicalVolume';

const SECTOR = 512;
/** Extents, segments and stripes of a group beyond which it is not read. */
const MOST_SEGMENTS = 500_000;
const MOST_STRIPES = 128;
const KNOWN_STATUS = new Set([
  'READ',
  'WRITE',
  'VISIBLE',
  'FIXED_MINOR',
  'ALLOCATABLE',
  'RESIZEABLE',
  'EXPORTED',
]);
const ORIGIN_KEYS = new Set(['origin', 'external_origin']);
const PLACED_TYPES = new Set(['linear', 'striped']);

export interface LogicalVolume {
  /** `vg0/root`; unique on the disk. */
  readonly path: string;
  /** As LVM2 prints it. */
  readonly uuid: string;
  /** Bytes. */
  readonly size: number;
  /** Absent where it is not wholly made of linear and striped segments on this disk. */
  readonly device: MappedDevice | undefined;
  /** Why it has no device, or may not be believed. */
  readonly problems: readonly GuestProblem[];
}

/** Stretches of one device. */
export interface DeviceRanges {
  readonly device: BlockDevice;
  readonly ranges: Ranges;
}

export interface VolumeGroup {
  readonly name: string;
  readonly uuid: string;
  readonly physicalVolumes: readonly PhysicalVolume[];
  /** Those that the system shows; volumes that others are made of are left out. */
  readonly volumes: readonly LogicalVolume[];
  /** For these, no volume of the group may be believed. */
  readonly problems: readonly GuestProblem[];
  /** Extents that belong to any volume, hidden ones included. */
  readonly taken: readonly DeviceRanges[];
  /** Extents that belong to no volume; empty where that is not certain. */
  readonly free: readonly DeviceRanges[];
  /** Why extents that belong to no volume are left alone; empty where they may be given up. */
  readonly freeProblems: readonly GuestProblem[];
}

/** A physical volume as the group's metadata has it. */
interface Member {
  readonly found: PhysicalVolume | undefined;
  /** Bytes from the start of the device. */
  readonly firstExtent: number;
  readonly extents: number;
}

/** @param text of the group's metadata, parsed; @throws GuestError where it cannot be understood at all */
export function volumeGroupOf(
  name: string,
  section: ConfigSection,
  found: ReadonlyMap<string, PhysicalVolume>,
  problems: readonly GuestProblem[],
): VolumeGroup {
  return new GroupReader(name, section, found).read(problems);
}

class GroupReader {
  readonly #extentSize: number;
  readonly #members = new Map<string, Member>();
  /** Extents of each member that volumes take, hidden ones included; overlapping where the metadata is wrong. */
  readonly #taken = new Map<Member, Ranges>();
  /** Types of segments whose place is not known. */
  readonly #otherTypes = new Set<string>();
  /** Volumes that are as they are, but that others of these types look at. */
  readonly #origins = new Map<string, string>();
  /** Volumes that others of these types are made of. */
  readonly #parts = new Map<string, string>();
  #segments = 0;

  constructor(
    readonly name: string,
    readonly section: ConfigSection,
    found: ReadonlyMap<string, PhysicalVolume>,
  ) {
    this.#extentSize = countOf(section, 'extent_size') * SECTOR;
    if (this.#extentSize === 0)
      throw new GuestError('volume.metadata', { offset: 0, value: 0, limit: 'extent_size ≥ 1' });
    for (const [key, member] of sectionsOf(section, 'physical_volumes')) this.#addMember(key, member, found);
  }

  read(groupProblems: readonly GuestProblem[]): VolumeGroup {
    const sections = sectionsOf(this.section, 'logical_volumes');
    for (const [, volume] of sections) this.#collectUses(volume);
    const volumes = sections.map(([name, volume]) => ({
      volume: this.#volumeOrProblem(name, volume),
      isVisible: this.#isVisible(name, volume),
    }));
    const problems = [
      ...groupProblems,
      ...this.#statusProblems(this.name, this.section),
      ...this.#overlaps(),
    ];
    const freeProblems = [...problems, ...this.#freeProblems(volumes.map(({ volume }) => volume))];
    return {
      name: this.name,
      uuid: textOf(this.section, 'id'),
      physicalVolumes: [...this.#members.values()].flatMap(({ found }) =>
        found === undefined ? [] : [found],
      ),
      volumes: volumes.flatMap(({ volume, isVisible }) => (isVisible ? [volume] : [])),
      problems,
      taken: [...this.#taken].flatMap(([{ found }, ranges]) =>
        found === undefined ? [] : [{ device: found.device, ranges: covered([ranges]) }],
      ),
      free: freeProblems.length > 0 ? [] : this.#free(),
      freeProblems,
    };
  }

  /** What lvm shows: a snapshot has no name of its own, its store is shown for it. */
  #isVisible(name: string, volume: ConfigSection): boolean {
    if (segmentsOf(volume).some(([, segment]) => segment.get('type') === 'snapshot')) return false;
    return listOrNothing(volume, 'status').includes('VISIBLE') || this.#parts.get(name) === 'snapshot';
  }

  #addMember(key: string, section: ConfigSection, found: ReadonlyMap<string, PhysicalVolume>): void {
    const volume = found.get(textOf(section, 'id').replaceAll('-', ''));
    const firstExtent = countOf(section, 'pe_start') * SECTOR;
    const extents = countOf(section, 'pe_count');
    const isWhole = volume !== undefined && firstExtent + extents * this.#extentSize <= volume.device.size;
    const isMissing = listOf(section, 'flags').length > 0;
    const member = { found: isWhole && !isMissing ? volume : undefined, firstExtent, extents };
    this.#members.set(key, member);
    this.#taken.set(member, new Ranges());
  }

  /** Volumes that a segment of another type names: its origin, what it is made of. */
  #collectUses(volume: ConfigSection): void {
    for (const [, segment] of segmentsOf(volume)) {
      const value = segment.get('type');
      if (typeof value !== 'string' || PLACED_TYPES.has(value)) continue;
      const type = value.slice(0, 64);
      this.#otherTypes.add(type);
      for (const [key, named] of segment) {
        if (key === 'type' || named instanceof ConfigSection) continue;
        const names = typeof named === 'object' ? named : [named];
        const uses = ORIGIN_KEYS.has(key) ? this.#origins : this.#parts;
        for (const name of names) uses.set(String(name), type);
      }
    }
  }

  #volumeOrProblem(name: string, section: ConfigSection): LogicalVolume {
    const path = `${this.name}/${name}`;
    try {
      return this.#volume(path, name, section);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      return { path, uuid: '', size: 0, device: undefined, problems: [error.problem] };
    }
  }

  #volume(path: string, name: string, section: ConfigSection): LogicalVolume {
    const uuid = textOf(section, 'id');
    const problems = this.#statusProblems(path, section);
    const part = this.#parts.get(name);
    const use = part ?? this.#origins.get(name);
    if (use !== undefined) problems.push({ code: 'volume.type', what: path, value: use });
    let size = 0;
    let isPlaced = true;
    const mapped: MappedSegment[] = [];
    const segments = segmentsOf(section).map(([, segment]) => segment);
    segments.sort((left, right) => countOf(left, 'start_extent') - countOf(right, 'start_extent'));
    if (segments.length !== countOf(section, 'segment_count'))
      throw wrong(path, 'segment_count', segments.length);
    for (const segment of segments) {
      if (++this.#segments > MOST_SEGMENTS)
        throw new GuestError('guest.tooMany', { what: path, value: this.#segments, limit: MOST_SEGMENTS });
      if (countOf(segment, 'start_extent') * this.#extentSize !== size)
        throw wrong(path, 'start_extent', size);
      const length = countOf(segment, 'extent_count') * this.#extentSize;
      if (length === 0 || !Number.isSafeInteger(size + length)) throw wrong(path, 'extent_count', length);
      const problem = this.#addSegment(path, segment, size, length, mapped);
      if (problem !== undefined) {
        if (isPlaced) problems.push(problem);
        isPlaced = false;
      }
      size += length;
    }
    const isReadable = isPlaced && part === undefined && mapped.length > 0;
    return {
      path,
      uuid,
      size,
      device: isReadable ? new MappedDevice(mapped, this.#sectorSize()) : undefined,
      problems,
    };
  }

  /** @returns why the segment has no place */
  #addSegment(
    what: string,
    segment: ConfigSection,
    at: number,
    length: number,
    mapped: MappedSegment[],
  ): GuestProblem | undefined {
    const type = textOf(segment, 'type');
    if (!PLACED_TYPES.has(type)) return { code: 'volume.type', what, value: type.slice(0, 64) };
    const places = listOf(segment, 'stripes');
    const count = countOf(segment, 'stripe_count');
    const extents = length / this.#extentSize;
    if (count < 1 || count > MOST_STRIPES || places.length !== 2 * count || extents % count !== 0)
      throw wrong(what, 'stripe_count', count);
    const chunk = count === 1 ? length : countOf(segment, 'stripe_size') * SECTOR;
    // Rows of chunks fill the segment.
    if (chunk === 0 || (length / count) % chunk !== 0) throw wrong(what, 'stripe_size', chunk);
    const stripes: Stripe[] = [];
    let missing: string | undefined;
    for (let index = 0; index < count; index++) {
      const key = String(places[2 * index]);
      const first = places[2 * index + 1];
      const member = this.#members.get(key);
      if (member === undefined || typeof first !== 'number' || !Number.isSafeInteger(first) || first < 0)
        return { code: 'volume.type', what, value: `${type} (${key.slice(0, 64)})` };
      if (first + extents / count > member.extents) throw wrong(what, 'stripes', first);
      const start = member.firstExtent + first * this.#extentSize;
      this.#taken.get(member)?.add(start, start + length / count);
      if (member.found === undefined) missing ??= key;
      else stripes.push({ device: member.found.device, start });
    }
    if (missing !== undefined) return { code: 'volume.missing', what, value: missing.slice(0, 64) };
    mapped.push({ at, length, stripes, chunk });
    return undefined;
  }

  #statusProblems(what: string, section: ConfigSection): GuestProblem[] {
    const words = [
      ...listOf(section, 'status').filter((word) => !KNOWN_STATUS.has(String(word))),
      ...listOf(section, 'flags'),
    ];
    return words.length === 0 ? [] : [{ code: 'volume.status', what, value: words.join(', ').slice(0, 64) }];
  }

  #sectorSize(): number {
    const [first] = [...this.#members.values()].flatMap(({ found }) => found?.device.sectorSize ?? []);
    return first ?? SECTOR;
  }

  #overlaps(): GuestProblem[] {
    for (const ranges of this.#taken.values())
      if (covered([ranges], 2).count > 0)
        return [{ code: 'volume.overlap', what: `A logical volume of ${this.name}` }];
    return [];
  }

  #freeProblems(volumes: readonly LogicalVolume[]): GuestProblem[] {
    const unread = volumes.find(({ device }) => device === undefined);
    const others = [...this.#otherTypes].join(', ');
    if (others === '' && unread === undefined) return [];
    const value = others === '' ? (unread?.path ?? '') : others;
    return [{ code: 'volume.others', what: this.name, value: value.slice(0, 64) }];
  }

  #free(): DeviceRanges[] {
    return [...this.#taken].flatMap(([{ found, firstExtent, extents }, taken]) => {
      if (found === undefined) return [];
      const all = Ranges.of([firstExtent, firstExtent + extents * this.#extentSize]);
      return [{ device: found.device, ranges: without(all, covered([taken])) }];
    });
  }
}

const segmentsOf = (volume: ConfigSection): [string, ConfigSection][] =>
  sectionsIn(volume).filter(([name]) => name.startsWith('segment'));

function listOrNothing(section: ConfigSection, name: string): readonly (number | string)[] {
  const value = section.get(name);
  return Array.isArray(value) ? (value as readonly (number | string)[]) : [];
}

const wrong = (what: string, limit: string, value: number): GuestError =>
  new GuestError('guest.value', { what, offset: 0, value, limit });
