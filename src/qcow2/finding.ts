/** What the check finds, as data; findingText.ts has the sentence for each kind. */
import type { Problem } from './errors';
import type { FindingKind, Structure } from './findingText';
import type { ByteLength, ClusterCount, GuestOffset, HostOffset } from './units';

export type Severity = 'corruption' | 'leak' | 'checkError' | 'defect';

/**
 * What repairs a finding: `leaks` and `all` as the two kinds of repair are called, `rebuild` for new refcount
 * structures (part of `all`), `none` where nothing is known to.
 */
export type Repair = 'leaks' | 'all' | 'rebuild' | 'none';

/** What a kind of finding is, whatever the image. */
export interface Rule {
  readonly severity: Severity;
  readonly repair: Repair;
}

/** Who refers to a cluster. Offsets are bytes. */
export interface Claim {
  readonly structure: Structure;
  /** Where in the image file the reference is; absent for the header, which nothing refers to. */
  readonly at?: HostOffset;
  /** The first guest byte of what it is for: data, or an L2 table of the active layer. */
  readonly guest?: GuestOffset;
  /** The snapshot whose tables have the reference, by its place in the snapshot table; absent for the active layer. */
  readonly snapshot?: number;
}

export interface FindingFacts {
  /** Of the cluster concerned: bytes from the start of the image file. */
  readonly host?: HostOffset;
  /** Clusters from `host` on that it is true of; one unless told. */
  readonly clusters?: ClusterCount;
  /** Bytes from `host` on that are referred to, where that is not a cluster. */
  readonly size?: ByteLength;
  /** First guest byte concerned. */
  readonly guest?: GuestOffset;
  /** Of the entry at fault: bytes from the start of the image file. */
  readonly at?: HostOffset;
  readonly structure?: Structure;
  /** A number, or a raw entry as `0x…`. */
  readonly found?: number | string;
  readonly expected?: number | string;
  /** The snapshot concerned, by its place in the snapshot table. */
  readonly snapshot?: number;
  readonly claims?: readonly Claim[];
  /** Why a part of the image could not be read, and so was not checked. */
  readonly problem?: Problem;
}

export interface Finding extends FindingFacts, Rule {
  readonly kind: FindingKind;
  /** How often it counts: a table that is named several times has its faults as often. */
  readonly times: number;
}
