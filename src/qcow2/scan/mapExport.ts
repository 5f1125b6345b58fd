/** The map written out, streamed: JSON as `qemu-img map` prints it, CSV, or text. */
export type MapForm = 'json' | 'csv' | 'text';
