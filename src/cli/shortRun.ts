/**
 * Node 20's V8 compiles functions again, for speed, after so few calls that a process that is over in a fifth of a second
 * loses by it: with little seen of what they are called with, most of that is thrown away soon after. Some patience makes
 * commands faster, up to a fifth. Later versions have it by themselves, and do not know the flag.
 */
import { setFlagsFromString } from 'node:v8';

if (process.versions.v8.startsWith('11.')) setFlagsFromString('--interrupt-budget=300000');
