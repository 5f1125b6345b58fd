/** The LVM2 volume groups whose physical volumes are among the devices of one disk. */
import type { BlockDevice } from '../blockDevice';
import { GuestError, type GuestProblem } from '../errors';
import { type ConfigSection, countOf, parseConfig, sectionsIn, type TextLimits, textOf } from './configText';
import { type PhysicalVolume, readPhysicalVolume } from './physicalVolume';
import { type VolumeGroup, volumeGroupOf } from './volumeGroup';

/** Bytes of metadata that are read of one disk: LVM2's areas have 1 MiB each unless made larger. */
const MOST_TEXT = 32 * 1024 * 1024;
/** For 20,000 segments. */
const MOST_TOKENS = 800_000;

export interface Volumes {
  readonly physicalVolumes: readonly PhysicalVolume[];
  readonly groups: readonly VolumeGroup[];
  /** What could not be read, beside the problems of each group. */
  readonly problems: readonly GuestProblem[];
}

/** One valid copy of a group's metadata. */
interface Copy {
  readonly name: string;
  readonly id: string;
  readonly sequence: number;
  readonly section: ConfigSection;
  readonly text: string;
}

/** @throws whatever a device itself throws; what is wrong with the metadata is told */
export function readVolumes(devices: readonly BlockDevice[]): Volumes {
  const limits = { bytes: MOST_TEXT, tokens: MOST_TOKENS };
  const physicalVolumes = devices.flatMap((device) => readPhysicalVolume(device, limits) ?? []);
  const problems = physicalVolumes.flatMap((volume) => volume.problems);
  const found = new Map<string, PhysicalVolume>();
  const doubled: GuestProblem[] = [];
  for (const volume of physicalVolumes) {
    if (found.has(volume.id))
      doubled.push({ code: 'volume.twice', what: 'A physical volume', value: volume.id });
    found.set(volume.id, volume);
  }
  const copies = readCopies(physicalVolumes, problems, limits);
  const groups: VolumeGroup[] = [];
  for (const group of new Map(copies.map((copy) => [copy.id, copy])).keys()) {
    const own = copies.filter(({ id }) => id === group);
    try {
      groups.push(groupOf(own, found, [...problems, ...doubled]));
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      problems.push(error.problem);
    }
  }
  return {
    physicalVolumes,
    groups: uniquelyNamed(groups.map(apart(groups))),
    problems: [...problems, ...doubled],
  };
}

/** Each text is parsed once, however many areas hold it. */
function readCopies(
  physicalVolumes: readonly PhysicalVolume[],
  problems: GuestProblem[],
  limits: TextLimits,
): Copy[] {
  const byText = new Map<string, Copy[]>();
  for (const { texts } of physicalVolumes)
    for (const text of texts) if (!byText.has(text)) byText.set(text, copiesIn(text, problems, limits));
  return [...byText.values()].flat();
}

function copiesIn(text: string, problems: GuestProblem[], limits: TextLimits): Copy[] {
  try {
    // The text has one section, the group; the rest says who wrote it and when.
    return sectionsIn(parseConfig(text, limits))
      .filter(([, section]) => section.has('seqno'))
      .map(([name, section]) => ({
        name,
        id: textOf(section, 'id'),
        sequence: countOf(section, 'seqno'),
        section,
        text,
      }));
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
    problems.push(error.problem);
    return [];
  }
}

function groupOf(
  copies: readonly Copy[],
  found: ReadonlyMap<string, PhysicalVolume>,
  problems: readonly GuestProblem[],
): VolumeGroup {
  const newest = copies.reduce((best, copy) => (copy.sequence > best.sequence ? copy : best));
  const isSame = new Set(copies.map(contentOf)).size === 1;
  const differ: GuestProblem[] = isSame ? [] : [{ code: 'volume.copies', what: newest.name }];
  return volumeGroupOf(newest.name, newest.section, found, [...problems, ...differ]);
}

/** A physical volume that two groups have believes neither. */
function apart(groups: readonly VolumeGroup[]): (group: VolumeGroup) => VolumeGroup {
  const owners = new Map<PhysicalVolume, number>();
  for (const { physicalVolumes } of groups)
    for (const volume of physicalVolumes) owners.set(volume, (owners.get(volume) ?? 0) + 1);
  return (group) => {
    const shared = group.physicalVolumes.find((volume) => (owners.get(volume) ?? 0) > 1);
    return shared === undefined
      ? group
      : doubted(group, { code: 'volume.twice', what: group.name, value: shared.id });
  };
}

const doubted = (group: VolumeGroup, problem: GuestProblem): VolumeGroup => ({
  ...group,
  problems: [...group.problems, problem],
  free: [],
  freeProblems: [...group.freeProblems, problem],
});

/** Everything but when it was written. */
const contentOf = ({ name, section }: Copy): string =>
  JSON.stringify([name, section], (_, value: unknown) => (value instanceof Map ? [...value] : value));

/** Two groups may have one name, when disks were copied: the later one's volumes are told apart by its identifier. */
function uniquelyNamed(groups: readonly VolumeGroup[]): VolumeGroup[] {
  const names = new Set<string>();
  return groups.map((group) => {
    if (!names.has(group.name)) {
      names.add(group.name);
      return group;
    }
    const own = `${group.name}-${group.uuid.slice(0, 6)}`;
    const twice: GuestProblem = { code: 'volume.twice', what: group.name, value: group.uuid };
    const volumes = group.volumes.map((volume) => ({
      ...volume,
      path: own + volume.path.slice(group.name.length),
    }));
    return doubted({ ...group, volumes }, twice);
  });
}
