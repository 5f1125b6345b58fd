/** `qcow2 map`: the extents of `qemu-img map`. */
import { exportMap } from '../qcow2/map/mapExport';
import { bytesOf } from '../text/byteCount';
import { guestOffset } from '../qcow2/units';
import type { Verb } from './verb';
import { byteCount, outputForm, readArguments, reportFaults, requireComplete, withChain } from './verb';

export const map: Verb = {
  name: 'map',
  usage: '[--output=human|json] [--start-offset=N] [--max-length=N] FILE',
  run: (argv) => {
    const args = readArguments(argv, ['FILE'], {
      output: { type: 'string' },
      'start-offset': { type: 'string', short: 's' },
      'max-length': { type: 'string', short: 'l' },
    });
    const form = outputForm(args) === 'json' ? 'json' : 'text';
    const from = byteCount('--start-offset', args.text('start-offset') ?? '0');
    const length = args.text('max-length');
    const most = length === undefined ? undefined : byteCount('--max-length', length);
    return withChain(args.operands[0]!, true, (chain) => {
      requireComplete(chain);
      const progress = args.progress();
      const { clusterSize } = chain.top.header;
      const start = guestOffset(bytesOf(from, clusterSize));
      const range = most === undefined ? { start } : { start, length: bytesOf(most, clusterSize) };
      try {
        exportMap(chain.layers, { form, ...range }, args.output, progress);
      } finally {
        progress.clear();
      }
      return reportFaults(chain.top, 'use');
    });
  },
};
