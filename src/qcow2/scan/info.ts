/** The fields and shapes of `qemu-img info --output=json` (QEMU 7.2), under its names. */
export interface ImageInfo {
  readonly filename: string;
  readonly [field: string]: unknown;
}
