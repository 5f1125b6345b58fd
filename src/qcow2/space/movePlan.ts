/**
 * Which clusters a compaction moves, and where to: those behind the end that the file can have go to the free clusters
 * before it, in the order that they have. They are moved from the file's end forward, so that it can be cut off after
 * each few batches; tables go before data, so that what refers to data stays where it is while data moves.
 *
 * What is moved and where to are two sets of equal size; the clusters of a batch are taken out of them when its turn
 * comes. No cluster is in both: what a batch frees is not used again by this plan.
 */
import { ClusterBits } from '../clusterSet';
import type { Qcow2Image } from '../image/qcow2Image';
import { type ClusterCount, hostCluster, type HostCluster } from '../units';
import type { ClusterLayout, LongTable } from './clusterLayout';
import { FreeRuns } from './freeRuns';
import { missingBlocks, type NewBlock } from './refcountShape';
import { type MoveBatch, UnitMoves } from './unitMoves';

export interface MovePlan {
  /** Refcount blocks that are needed first: nothing describes some of the clusters to move to. */
  readonly newBlocks: readonly NewBlock[];
  /** Tables of several clusters, one in each. */
  readonly tables: readonly MoveBatch[];
  readonly metadata: UnitMoves;
  readonly data: UnitMoves;
  /** Clusters that are moved. */
  readonly clusters: ClusterCount;
  /** Where the file ends when all are moved; of a plan for room, no sooner than before. */
  readonly end: HostCluster;
  /** It only makes room for a table: the file gets shorter by what follows. */
  readonly isForRoom: boolean;
}

/**
 * @param layout of `image`, without leaks
 * @param most clusters of a batch, at most
 * @param mayMakeRoom whether clusters may be moved so that a table finds clusters in a row
 * @returns undefined where nothing can be moved that makes the file shorter
 */
export function planMoves(
  image: Qcow2Image,
  layout: ClusterLayout,
  most: ClusterCount,
  mayMakeRoom: boolean,
): MovePlan | undefined {
  // Each turn makes room for what had none in the one before.
  for (let end = shortestEnd(layout); end < layout.end;) {
    const free = new FreeRuns(layout.inUse, end);
    const newBlocks = missingBlocks(image, free);
    const tail = layout.longTables.filter(({ first, count }) => first + count > end);
    const tables: MoveBatch[] = [];
    let blocked: LongTable | undefined;
    for (const table of tail.sort((one, other) => other.count - one.count)) {
      const target = free.takeRun(table.count);
      if (target === undefined) blocked ??= table;
      else tables.push(tableMoveOf(table, target));
    }
    if (blocked !== undefined) {
      const room = mayMakeRoom ? planRoom(image, layout, blocked.count, end, most) : undefined;
      if (room !== undefined) return room;
      // It stays, and the file ends behind it.
      end = hostCluster(blocked.first + blocked.count);
      continue;
    }
    const { metadata, data } = movable(layout, end);
    const missing = newBlocks.missing + metadata.count + data.count - free.count;
    if (missing > 0) {
      end = hostCluster(end + missing);
      continue;
    }
    const clusters =
      metadata.count + data.count + tables.reduce((sum, { sources }) => sum + sources.length, 0);
    return {
      newBlocks: newBlocks.blocks,
      tables,
      metadata: new UnitMoves('metadata', metadata, free.takeLowest(metadata.count), most),
      data: new UnitMoves('data', data, free.takeLowest(data.count), most),
      clusters,
      end,
      isForRoom: false,
    };
  }
  return undefined;
}

/** The end of a file that has no free clusters; farther on where something stays that lies there. */
const shortestEnd = (layout: ClusterLayout): HostCluster =>
  hostCluster(Math.max(layout.inUse.count, stayingEnd(layout)));

/** First cluster behind all that are never moved. */
function stayingEnd({ fixed, compressed }: ClusterLayout): HostCluster {
  let end = 0;
  for (const set of [fixed, compressed]) {
    set.forEachRun((first, count) => {
      end = Math.max(end, first + count);
    });
  }
  return hostCluster(end);
}

/** What moves cluster by cluster, from `end` on. */
function movable(
  layout: ClusterLayout,
  end: HostCluster,
): { readonly metadata: ClusterBits; readonly data: ClusterBits } {
  const { inUse, metadata, tables, compressed, fixed } = layout;
  const tail = new ClusterBits();
  inUse.forEachRunWithin(end, layout.end, (first, count) => {
    tail.add(first, count);
  });
  const data = tail.without([metadata, tables, compressed, fixed]);
  return { metadata: tail.without([data, tables, compressed, fixed]), data };
}

function tableMoveOf({ first, count }: LongTable, target: HostCluster): MoveBatch {
  const numbers = (from: number): Uint32Array => Uint32Array.from({ length: count }, (_, at) => from + at);
  return { kind: 'metadata', sources: numbers(first), targets: numbers(target) };
}

/** Free runs at whose ends room is looked for: the longest ones. */
const MOST_LOOKED_AT = 64;

/**
 * Room for clusters in a row before `end`, where there is none: what lies there moves to other free clusters before it.
 * @returns undefined where there are too few, or what lies there cannot be moved
 */
export function planRoom(
  image: Qcow2Image,
  layout: ClusterLayout,
  count: ClusterCount,
  end: HostCluster,
  most: ClusterCount,
): MovePlan | undefined {
  const window = bestWindow(layout, count, end);
  if (window === undefined) return undefined;
  const free = new FreeRuns(layout.inUse, end);
  const { inUse, metadata } = layout;
  const movingData = new ClusterBits();
  const movingMetadata = new ClusterBits();
  inUse.forEachRunWithin(window, hostCluster(window + count), (first, length) => {
    for (let cluster = first; cluster < first + length; cluster = hostCluster(cluster + 1)) {
      (metadata.has(cluster) ? movingMetadata : movingData).add(cluster);
    }
  });
  free.take(window, count);
  const newBlocks = missingBlocks(image, free);
  const clusters = movingData.count + movingMetadata.count;
  if (clusters === 0 || newBlocks.missing > 0 || free.count < clusters) return undefined;
  return {
    newBlocks: newBlocks.blocks,
    tables: [],
    metadata: new UnitMoves('metadata', movingMetadata, free.takeLowest(movingMetadata.count), most),
    data: new UnitMoves('data', movingData, free.takeLowest(movingData.count), most),
    clusters,
    end: layout.end,
    isForRoom: true,
  };
}

/** Of the stretches that begin or end with a long free run, the one with the fewest clusters to move. */
function bestWindow(
  { inUse, tables, compressed, fixed }: ClusterLayout,
  count: ClusterCount,
  end: HostCluster,
): HostCluster | undefined {
  const free = new FreeRuns(inUse, end);
  const longest: { readonly first: number; readonly length: number }[] = [];
  free.forEachRun(hostCluster(1), end, (first, length) => {
    if (longest.length === MOST_LOOKED_AT && length <= (longest.at(-1)?.length ?? 0)) return true;
    longest.push({ first, length });
    longest.sort((one, other) => other.length - one.length);
    longest.length = Math.min(longest.length, MOST_LOOKED_AT);
    return true;
  });
  let best: HostCluster | undefined;
  let fewest = Infinity;
  for (const { first, length } of longest) {
    for (const start of [first, first + length - count]) {
      const from = hostCluster(start);
      const to = hostCluster(start + count);
      if (start < 1 || to > end) continue;
      if ([tables, compressed, fixed].some((set) => set.countWithin(from, to) > 0)) continue;
      const used = inUse.countWithin(from, to);
      if (used >= fewest) continue;
      fewest = used;
      best = from;
    }
  }
  return best;
}
