/** Offsets as text. */

/** `0x` and lower case digits, as short as can be. */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
