/** Feature bits of the version 3 header (qcow2.txt, "Header", bytes 72 to 95). */

export type FeatureType = 'incompatible' | 'compatible' | 'autoclear';

/** The specification's names, by type and bit. */
export const FEATURE_NAMES = {
  incompatible: ['dirty', 'corrupt', 'external data file', 'compression type', 'extended L2 entries'],
  compatible: ['lazy refcounts'],
  autoclear: ['bitmaps', 'raw external data'],
} as const satisfies Readonly<Record<FeatureType, readonly string[]>>;

export type FeatureName = (typeof FEATURE_NAMES)[FeatureType][number];

/** The order of types in the feature name table, and of the three fields in the header. */
export const FEATURE_TYPES: readonly FeatureType[] = ['incompatible', 'compatible', 'autoclear'];

/** Incompatible features that this program reads: the ones it has a name for. */
export const KNOWN_INCOMPATIBLE = 0x1fn;

/** What the feature bits say, by the specification's names. */
export interface Features {
  /** The three fields as they are in the header; 0 in version 2. */
  readonly incompatible: bigint;
  readonly compatible: bigint;
  readonly autoclear: bigint;

  /** Refcounts may be wrong: the image was not closed. */
  readonly dirty: boolean;
  /** Some structure was found corrupt; the image must not be written. */
  readonly corrupt: boolean;
  readonly externalDataFile: boolean;
  /** The header has a `compression_type` other than deflate. */
  readonly compressionType: boolean;
  readonly extendedL2: boolean;
  readonly lazyRefcounts: boolean;
  /** The bitmaps extension is consistent with the data. */
  readonly bitmaps: boolean;
  /** The external data file is a raw image by itself. */
  readonly rawExternalData: boolean;
}

export function decodeFeatures(incompatible: bigint, compatible: bigint, autoclear: bigint): Features {
  return {
    incompatible,
    compatible,
    autoclear,
    dirty: hasBit(incompatible, 0),
    corrupt: hasBit(incompatible, 1),
    externalDataFile: hasBit(incompatible, 2),
    compressionType: hasBit(incompatible, 3),
    extendedL2: hasBit(incompatible, 4),
    lazyRefcounts: hasBit(compatible, 0),
    bitmaps: hasBit(autoclear, 0),
    rawExternalData: hasBit(autoclear, 1),
  };
}

export const hasBit = (field: bigint, bit: number): boolean => ((field >> BigInt(bit)) & 1n) === 1n;

/** The bits that are set, ascending. */
export function setBits(field: bigint): number[] {
  const bits: number[] = [];
  for (let bit = 0; bit < 64; bit++) if (hasBit(field, bit)) bits.push(bit);
  return bits;
}
