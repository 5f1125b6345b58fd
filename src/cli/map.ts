/** `qcow2 map`: the extents of `qemu-img map`. */
import { exportMap } from '../qcow2/map/mapExport';
import { bytesOf } from '../text/byteCount';
import { reportFaults, requireComplete, type Run, withChain } from './verb';

export const map: Run<'map'> = (args) => {
  const { operands, options, output } = args;
  const { 'start-offset': from, 'max-length': most } = options;
  return withChain(operands.FILE, true, (chain) => {
    requireComplete(chain);
    const progress = args.progress();
    const { clusterSize } = chain.top.header;
    const range = {
      start: from === undefined ? 0 : bytesOf(from, clusterSize),
      ...(most === undefined ? {} : { length: bytesOf(most, clusterSize) }),
    };
    try {
      exportMap(
        chain.layers,
        { form: options.output === 'json' ? 'json' : 'text', ...range },
        output,
        progress,
      );
    } finally {
      progress.clear();
    }
    return reportFaults(chain.top, 'use');
  });
};
