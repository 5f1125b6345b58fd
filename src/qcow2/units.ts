/**
 * Numbers that must not be mixed up. A guest offset is a byte position on the disk that a virtual machine
 * sees; a host offset is a byte position in a file. Both are safe integers (at most 2^53 − 1); what an image
 * declares beyond that is refused by name where it is read.
 */
declare const unit: unique symbol;
type Unit<Name extends string> = number & { readonly [unit]: Name };

/** Bytes from the start of the guest's disk. */
export type GuestOffset = Unit<'GuestOffset'>;
/** Bytes from the start of a host file (the image, or its external data file). */
export type HostOffset = Unit<'HostOffset'>;
/** Clusters from the start of the guest's disk. */
export type GuestCluster = Unit<'GuestCluster'>;
/** Clusters from the start of a host file. */
export type HostCluster = Unit<'HostCluster'>;

export const guestOffset = (bytes: number): GuestOffset => bytes as GuestOffset;
export const hostOffset = (bytes: number): HostOffset => bytes as HostOffset;
export const guestCluster = (index: number): GuestCluster => index as GuestCluster;
export const hostCluster = (index: number): HostCluster => index as HostCluster;

/** `0x…`, the way offsets and raw entries are written everywhere. */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
