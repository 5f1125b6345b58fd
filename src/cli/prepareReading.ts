/** Prepares what reads the data of large or zstd images, and only for those: it takes longer than most other work. */
import { openChain } from '../qcow2/chain/openChain';
import { EngineError } from '../qcow2/errors';
import type { Layer } from '../qcow2/image/layer';
import { Qcow2Image } from '../qcow2/image/qcow2Image';
import { prepareZstd } from '../qcow2/image/zstd';
import { prepareRelease } from '../qcow2/io/zlib';

/** Bytes of a file that is worth 3 ms. */
const LARGE = 16 * 1024 * 1024;

/** To be awaited before data of the image or of its backing chain is decompressed. */
export async function prepareReading(path: string): Promise<void> {
  const layers = layersOf(path);
  if (layers.some(usesZstd)) await prepareZstd();
  if (layers.some(({ file }) => file.size >= LARGE)) await prepareRelease();
}

const usesZstd = (layer: Layer): boolean =>
  layer instanceof Qcow2Image && layer.header.compressionType === 'zstd';

function layersOf(path: string): readonly Layer[] {
  try {
    const chain = openChain(path, { followsNames: true, usesProcessFolder: true });
    chain.close();
    return chain.layers;
  } catch (error) {
    // It cannot be opened: the verb will say why.
    if (error instanceof EngineError) return [];
    throw error;
  }
}
