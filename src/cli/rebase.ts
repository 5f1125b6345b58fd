/**
 * `qcow2 rebase`: names another backing file in the header, or none, as `qemu-img rebase -u` does. The contents of the two
 * files are not compared: if they differ, the guest sees another disk.
 */
import { existsSync } from 'node:fs';
import { decide } from '../qcow2/chain/gate';
import { asFileName, joinName } from '../qcow2/chain/names';
import { probeFormat } from '../qcow2/chain/probe';
import { EngineError } from '../qcow2/errors';
import { openLocalFile } from '../qcow2/io/localFile';
import { printable } from '../text/printable';
import { UsageError } from './arguments';
import { changeImage } from './changes';
import { tallyText } from './tallyText';
import type { Run } from './verb';

export const rebase: Run<'rebase'> = (args) => {
  const { FILE: path, BACKING: written } = args.operands;
  const { format } = args.options;
  // As in qemu-img, an empty name means no backing file.
  const name = written === undefined || written === '' ? undefined : nameOfFile(path, written);
  if (name === undefined && format !== undefined) throw new UsageError('--format needs BACKING');
  const backing = name === undefined ? {} : { backing: { name, format: format ?? formatOf(path, name) } };
  changeImage(path, args, 'unwritten', (apply) => [tallyText(apply(() => ({ kind: 'rebase', ...backing })))]);
  return undefined;
};

/** Takes a name with a colon for a file if that file exists: QEMU would take the part before the colon for a protocol. */
function nameOfFile(path: string, name: string): string {
  const file = asFileName(name);
  return file !== name && existsSync(joinName(path, file)) ? file : name;
}

/**
 * The format of a file by its content: without a format in the header, every program would have to probe it.
 * @throws UsageError if it cannot be probed
 */
function formatOf(path: string, name: string): string {
  const gate = { followsNames: true, usesProcessFolder: true };
  const decision = decide({ role: 'backing', name, namedBy: path }, gate);
  const found = decision.opens ? (decision.format ?? probedFormat(decision.path)) : undefined;
  if (found !== undefined) return found;
  throw new UsageError(`--format is needed: '${printable(name)}' cannot be probed from here`);
}

function probedFormat(path: string): string | undefined {
  try {
    const file = openLocalFile(path);
    try {
      const probed = probeFormat(file);
      return probed.format === 'unknown' ? undefined : probed.format;
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}
