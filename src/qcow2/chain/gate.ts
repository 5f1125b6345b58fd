/**
 * The gate: the one function that decides on every file that is opened only because an image names it. A name may come
 * from a stranger, so only local files are opened; every protocol (`nbd:`, `http:`, `rbd:`, `host_device:`, …) is
 * shown and not opened, and in Restricted Mode no name is followed at all.
 */
import { RefusedError } from '../errors';
import type { Problem, ProblemFacts } from '../errors';
import type { ProblemCode } from '../problemText';
import { readJsonName } from './jsonName';
import { type Foreign, foreignKind, joinName, type PathRules, protocolOf, untilNul } from './names';

/** A file that an image asks for. */
export interface NamedFile {
  /** An external data file's name is a plain path to QEMU (7.2.22), a backing name may be more. */
  readonly role: 'backing' | 'dataFile';
  readonly name: string;
  /** Path of the image that names it, as it was named itself. */
  readonly namedBy: string;
}

export interface GateOptions {
  /** False in Restricted Mode. */
  readonly followsNames: boolean;
  /**
   * Relative names behind `file:` and `json:`, and those of external data files, are looked for in the process's
   * folder, as QEMU does, for programs that stand in for it. An editor's process has no folder that means anything to
   * the person: there, and by default, they belong to the folder of the image, as plain backing names always do.
   */
  readonly usesProcessFolder?: boolean;
  /** Whose rules names follow; default: those of this system. */
  readonly rules?: PathRules;
}

/** Characters of the longest path that any system opens (Windows); a header has room for millions. */
const LONGEST_PATH = 32_767;

const FOREIGN: Readonly<Record<Foreign, ProblemCode>> = {
  network: 'gate.network',
  device: 'gate.device',
  stream: 'gate.stream',
};

export type GateDecision =
  | {
      readonly opens: true;
      /** Where to look, joined to the folder of the image that names it; not normalised. */
      readonly path: string;
      /** The format that a `json:` name gives. */
      readonly format?: 'qcow2' | 'raw';
    }
  | { readonly opens: false; readonly problem: Problem };

/** Decides whether a named file may be opened, and where it is. Touches no file and never throws. */
export function decide(file: NamedFile, options: GateOptions): GateDecision {
  const name = untilNul(file.name);
  const refuse = (code: ProblemCode, facts: ProblemFacts = {}): GateDecision => ({
    opens: false,
    problem: new RefusedError(file.namedBy, code, { value: name, ...facts }).problem,
  });
  if (!options.followsNames) return refuse('gate.restricted');
  if (name.length > LONGEST_PATH) {
    return refuse('gate.nameTooLong', { value: name.length, limit: LONGEST_PATH });
  }

  const local =
    file.role === 'dataFile' ? { path: name, belongsToImage: false } : localName(name, refuse, options.rules);
  if ('opens' in local) return local;
  if (local.path === '') return refuse('gate.noName');
  const staysAsWritten = options.usesProcessFolder === true && !local.belongsToImage;
  const foreign = foreignKind(local.path, file.namedBy, options.rules);
  if (foreign !== undefined) return refuse(FOREIGN[foreign]);
  const path = staysAsWritten ? local.path : joinName(file.namedBy, local.path, options.rules);
  return local.format === undefined ? { opens: true, path } : { opens: true, path, format: local.format };
}

interface LocalName {
  readonly path: string;
  /** Whether QEMU joins it to the image's folder. */
  readonly belongsToImage: boolean;
  readonly format?: 'qcow2' | 'raw';
}

/** Takes a backing name's protocol apart. */
function localName(
  name: string,
  refuse: (code: ProblemCode, facts?: ProblemFacts) => GateDecision,
  rules: PathRules | undefined,
): LocalName | GateDecision {
  const protocol = protocolOf(name, rules);
  if (protocol === undefined) return { path: name, belongsToImage: true };
  if (protocol === 'file') return { path: name.slice('file:'.length), belongsToImage: false };
  if (protocol !== 'json') return refuse('gate.protocol', { name: protocol });
  const json = readJsonName(name);
  if (!json.follows) {
    const { code, value, limit } = json;
    return refuse(code, limit === undefined ? { value } : { value, limit });
  }
  const { filename: path, format } = json;
  return { path, belongsToImage: false, ...(format === undefined ? {} : { format }) };
}
