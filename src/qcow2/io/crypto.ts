/** `node:crypto`, loaded when it is needed first: that takes longer than all of a short command. */
import type * as Crypto from 'node:crypto';

export const crypto = (): typeof Crypto => process.getBuiltinModule('node:crypto');

/** A name that cannot be guessed: hexadecimal digits, two for each byte. */
export const randomName = (bytes: number): string => crypto().randomBytes(bytes).toString('hex');
