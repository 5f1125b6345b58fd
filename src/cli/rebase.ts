/**
 * `rebase`: another backing file in the header, or none; what `qemu-img rebase -u` does. The content is nobody's
 * business here: with a file that does not hold the same, the guest sees another disk.
 */
import { existsSync } from 'node:fs';
import { decide } from '../qcow2/chain/gate';
import { asFileName, joinName } from '../qcow2/chain/names';
import { probeFormat } from '../qcow2/chain/probe';
import { EngineError } from '../qcow2/errors';
import { openLocalFile } from '../qcow2/io/localFile';
import { printable } from '../text/printable';
import { changeImage } from './changes';
import { tallyText } from './tallyText';
import { readArguments, UsageError, type Verb } from './verb';

export const rebase: Verb = {
  name: 'rebase',
  usage: "[--format=FMT] FILE [BACKING|'']  (unsafe, as qemu-img rebase -u: only the name is changed)",
  run: (argv) => {
    const args = readArguments(argv, ['FILE', '[BACKING]'], { format: { type: 'string' } });
    const [path = '', written] = args.operands;
    const format = args.text('format');
    // As qemu-img has it: an empty name is none.
    const name = written === undefined || written === '' ? undefined : nameOfFile(path, written);
    if (name === undefined && format !== undefined) throw new UsageError('--format is that of BACKING');
    const backing = name === undefined ? {} : { backing: { name, format: format ?? formatOf(path, name) } };
    changeImage(path, args, (apply) => [tallyText(apply(() => ({ kind: 'rebase', ...backing })))], {
      isHeaderOnly: true,
    });
  },
};

/** A name with a colon is a file's where there is one: QEMU would take what stands before it for a protocol. */
function nameOfFile(path: string, name: string): string {
  const file = asFileName(name);
  return file !== name && existsSync(joinName(path, file)) ? file : name;
}

/**
 * What the file is, by its content: without a format in the header every program would have to guess it.
 * @throws UsageError where it cannot be told
 */
function formatOf(path: string, name: string): string {
  const gate = { followsNames: true, usesProcessFolder: true };
  const decision = decide({ role: 'backing', name, namedBy: path }, gate);
  const found = decision.opens ? (decision.format ?? probedFormat(decision.path)) : undefined;
  if (found !== undefined) return found;
  throw new UsageError(`--format is needed: '${printable(name)}' cannot be looked at from here`);
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
