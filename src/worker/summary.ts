/** The facts of a header that the top of the page and the tree view show. */
import { LONGEST_TEXT, shortened } from '../text/printable';
import type { Encryption } from '../qcow2/format/encryption';
import type { Fault } from '../qcow2/format/faults';
import type { Header } from '../qcow2/format/header';
import type { HeaderExtensions } from '../qcow2/format/headerExtensions';
import type { ImageSummary } from './api';

/** An open image has all of these. */
export interface SummaryFacts {
  readonly header: Header;
  readonly extensions: HeaderExtensions;
  readonly encryption: Encryption | undefined;
  readonly backingName: string | undefined;
  readonly faults: readonly Fault[];
}

export function summarise(facts: SummaryFacts): ImageSummary {
  const { header, extensions, encryption, backingName, faults } = facts;
  const { dataFileName } = extensions;
  return {
    virtualSize: header.size,
    version: header.version,
    clusterSize: header.clusterSize,
    extendedL2: header.features.extendedL2,
    snapshots: header.snapshotCount,
    bitmaps: extensions.bitmaps?.count ?? 0,
    dirty: header.features.dirty,
    corrupt: header.features.corrupt,
    ...(backingName === undefined ? {} : { backingName }),
    ...(dataFileName === undefined ? {} : { dataFileName: shortened(dataFileName, LONGEST_TEXT) }),
    ...(encryption === undefined ? {} : { encryption }),
    ...(faults.length === 0 ? {} : { faults }),
  };
}
