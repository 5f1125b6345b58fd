/**
 * Numbers that must not be mixed up, as types: they cost nothing when the program runs.
 *
 * Positions are strict. A guest offset is a byte position on the disk that a virtual machine sees; a host offset is a
 * byte position in a file; clusters count from the same two starts. A plain number does not pass for a position, nor does
 * another position, so that arithmetic ends in one of the functions below, which names what it has computed.
 * Amounts (lengths in bytes, counts of clusters) accept plain numbers, such as literals and the length of a buffer, and
 * reject positions and each other.
 *
 * All are safe integers (at most 2^53 − 1); the reader refuses what an image declares beyond that. This is the only file
 * that casts to these types (a lint rule).
 */
declare const unit: unique symbol;
type Position<Name extends string> = number & { readonly [unit]: Name };
type Amount<Name extends string> = number & { readonly [unit]?: Name };
/** A number without a unit: the result of arithmetic, a literal. */
type Plain = number & { readonly [unit]?: never };

/** Bytes from the start of the guest's disk. */
export type GuestOffset = Position<'GuestOffset'>;
/** Bytes from the start of a host file: the image, its external data file, a journal. */
export type HostOffset = Position<'HostOffset'>;
/** Clusters from the start of the guest's disk. */
export type GuestCluster = Position<'GuestCluster'>;
/** Clusters from the start of a host file. */
export type HostCluster = Position<'HostCluster'>;
/** A number of bytes. */
export type ByteLength = Amount<'ByteLength'>;
/** A number of clusters. */
export type ClusterCount = Amount<'ClusterCount'>;

type Offset = GuestOffset | HostOffset;
type Cluster = GuestCluster | HostCluster;
type AmountOf<P> = P extends Offset ? ByteLength : ClusterCount;
type ClusterOf<O> = O extends GuestOffset ? GuestCluster : HostCluster;
type OffsetOf<C> = C extends GuestCluster ? GuestOffset : HostOffset;

// Functions that return their argument are written as declarations: esbuild then leaves the call out.

/** @param bytes from the start of the disk */
export function guestOffset(bytes: Plain | ByteLength): GuestOffset {
  return bytes as GuestOffset;
}

/** @param bytes from the start of the file */
export function hostOffset(bytes: Plain | ByteLength): HostOffset {
  return bytes as HostOffset;
}

/** @param clusters from the start of the disk */
export function guestCluster(clusters: Plain | ClusterCount): GuestCluster {
  return clusters as GuestCluster;
}

/** @param clusters from the start of the file */
export function hostCluster(clusters: Plain | ClusterCount): HostCluster {
  return clusters as HostCluster;
}

/** Where raw data keeps a byte of the disk: in a raw image, and a raw external data file, both offsets are the same. */
export function rawHostOffset(guest: GuestOffset): HostOffset {
  return guest as number as HostOffset;
}

/** The reverse of `rawHostOffset`. */
export function rawGuestOffset(host: HostOffset): GuestOffset {
  return host as number as GuestOffset;
}

/** The position that is `amount` behind another; in front of it where `amount` is negative. */
export function plus<P extends Offset | Cluster>(position: P, amount: AmountOf<P>): P {
  return (position + amount) as P;
}

/** The last multiple of `size` at or in front of an offset. */
export function alignDown<O extends Offset>(offset: O, size: ByteLength): O {
  return (Math.floor(offset / size) * size) as O;
}

/** The cluster that an offset lies in. */
export function clusterOf<O extends Offset>(offset: O, clusterSize: ByteLength): ClusterOf<O> {
  return Math.floor(offset / clusterSize) as ClusterOf<O>;
}

/** The offset of a cluster's first byte. */
export function startOf<C extends Cluster>(cluster: C, clusterSize: ByteLength): OffsetOf<C> {
  return (cluster * clusterSize) as OffsetOf<C>;
}
