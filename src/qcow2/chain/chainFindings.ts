/**
 * What is wrong with a backing chain, or may be: what the check of one image cannot see, and `qemu-img check` does not
 * tell. Nothing here makes the image itself unsound.
 */
import type { Problem } from '../errors';
import type { LocalFile } from '../io/localFile';
import { findWriter } from '../io/qemuLocks';
import type { Chain } from './openChain';
import { probeFormat } from './probe';

export interface ChainFinding {
  /** Of the layer concerned: 0 is the image itself. */
  readonly depth: number;
  readonly problem: Problem;
}

/**
 * In the order of the chain, the image first.
 * @throws FileError
 */
export function chainFindings(chain: Chain): ChainFinding[] {
  const found: ChainFinding[] = [];
  let overlay: LocalFile | undefined;
  for (const { depth, problem, notes, format, formatWasProbed, path } of chain.view.layers) {
    const add = (each: Problem): void => {
      found.push({ depth, problem: each });
    };
    if (problem !== undefined) add(problem);
    // Callers that open the chain report notes about journals.
    for (const note of notes) if (note.code.startsWith('chain.')) add(note);
    const file = chain.layers[depth]?.file;
    const local = chain.files.find((each) => each.name === file?.name);
    if (depth > 0 && local !== undefined) {
      if (!formatWasProbed && format === 'raw' && looksLikeQcow2(local)) {
        add({ kind: 'format', code: 'chain.formatWrong', file: local.name, value: format, limit: 'qcow2' });
      }
      if (overlay !== undefined && local.identity.modified > overlay.identity.modified) {
        add({ kind: 'format', code: 'chain.newer', file: local.name, value: overlay.name });
      }
      const writer = findWriter(local.name);
      if (writer !== undefined) {
        const value = [writer.program, writer.pid].filter((each) => each !== undefined).join(', ');
        add({ kind: 'refused', code: 'chain.inUse', file: local.name, value: value === '' ? '?' : value });
      }
    }
    overlay = local ?? (path === undefined ? overlay : undefined);
  }
  return found;
}

const looksLikeQcow2 = (file: LocalFile): boolean => probeFormat(file).format === 'qcow2';
