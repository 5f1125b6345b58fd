/** `qcow2 info`: the fields and shapes of `qemu-img info`. */
import { fullBackingName } from '../qcow2/chain/names';
import type { Chain } from '../qcow2/chain/openChain';
import { Qcow2Image } from '../qcow2/image/qcow2Image';
import type { Layer } from '../qcow2/image/layer';
import { ByteWriter } from '../text/byteWriter';
import type { ImageInfo } from '../qcow2/report/info';
import { imageInfo, rawInfo } from '../qcow2/report/info';
import { writeInfoText } from './infoText';
import { writeQemuJson } from '../text/qemuJson';
import { reportFaults, type Run, unopenedError, withChain } from './verb';

export const info: Run<'info'> = ({ operands, options, output: sink }) => {
  const isWholeChain = options['backing-chain'];
  return withChain(operands.FILE, isWholeChain, (chain) => {
    if (isWholeChain) requireBackingFiles(chain);
    const infos = chain.layers.map(layerInfo);
    const output = new ByteWriter(sink);
    const write = (text: string): void => {
      output.text(text);
    };
    if (options.output === 'json') writeJson(infos, isWholeChain, write);
    else {
      infos.forEach((each, index) => {
        if (index > 0) write('\n');
        writeInfoText(each, write);
      });
    }
    output.flush();
    return reportFaults(chain.top, 'use');
  });
};

/** Unlike a missing external data file, a missing backing file leaves a hole in what was asked for. */
function requireBackingFiles(chain: Chain): void {
  for (const { problem } of chain.view.layers) if (problem !== undefined) throw unopenedError(chain, problem);
}

function layerInfo(layer: Layer): ImageInfo {
  if (!(layer instanceof Qcow2Image)) return rawInfo(layer);
  const name = layer.backing?.name;
  return imageInfo(layer, name === undefined ? undefined : fullBackingName(layer.file.name, name));
}

function writeJson(infos: readonly ImageInfo[], isWholeChain: boolean, write: (text: string) => void): void {
  const [first] = infos;
  writeQemuJson(isWholeChain || first === undefined ? infos : first, write);
  write('\n');
}
