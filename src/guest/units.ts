/**
 * Numbers of a guest's devices, as types that cost nothing when the program runs. A device offset is a byte position on one
 * device: a disk, a partition or a logical volume. Arithmetic on it ends in `deviceOffset`, which says what was computed.
 * All are safe integers; readers refuse what a file system declares beyond that.
 */
declare const unit: unique symbol;

/** Bytes from the start of a device. */
export type DeviceOffset = number & { readonly [unit]: 'DeviceOffset' };

/** @param bytes from the start of the device */
export function deviceOffset(bytes: number): DeviceOffset {
  return bytes as DeviceOffset;
}
