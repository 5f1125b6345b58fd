/** A backing chain as a person sees it, from the opened image (depth 0) down to the base. */
import type { Problem } from '../errors';
import type { ByteLength } from '../units';

export interface ChainView {
  readonly layers: readonly ChainLayerView[];
  /** True when every layer the chain names is open. */
  readonly complete: boolean;
}

export interface ChainLayerView {
  readonly depth: number;
  /** The name as the overlay's header writes it; for depth 0 the path that was opened. */
  readonly nameAsWritten: string;
  /** Absolute path, where the name comes down to a local file. */
  readonly path?: string;
  readonly format: 'qcow2' | 'raw' | 'unknown';
  /** The header names no format: the content was probed, as QEMU would. */
  readonly formatWasProbed: boolean;
  readonly state: 'open' | 'missing' | 'refused' | 'cycle' | 'unreadable' | 'notOpened';
  /** Why the layer is not open. */
  readonly problem?: Problem;
  /** What a person should know of an open layer: probed format, shorter or longer than its overlay, … */
  readonly notes: readonly Problem[];
  readonly virtualSize?: ByteLength;
  readonly fileSize?: ByteLength;
  readonly allocatedBytes?: ByteLength;
  readonly version?: number;
  readonly clusterSize?: ByteLength;
  /** Its name in the header, for showing: what is too long is cut. */
  readonly dataFile?: string;
  /** Absolute path of the data file, if the gate allows opening it; other paths are never looked at. */
  readonly dataFilePath?: string;
}
