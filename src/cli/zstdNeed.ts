/** Prepares the zstd decoder only for images that need it: that takes longer than most other work. */
import { openChain } from '../qcow2/chain/openChain';
import { EngineError } from '../qcow2/errors';
import { Qcow2Image } from '../qcow2/image/qcow2Image';
import { prepareZstd } from '../qcow2/image/zstd';

/** To be awaited before data of the image or of its backing chain is decompressed. */
export async function prepareZstdFor(path: string): Promise<void> {
  if (usesZstd(path)) await prepareZstd();
}

function usesZstd(path: string): boolean {
  try {
    const chain = openChain(path, { followsNames: true, usesProcessFolder: true });
    chain.close();
    return chain.layers.some(
      (layer) => layer instanceof Qcow2Image && layer.header.compressionType === 'zstd',
    );
  } catch (error) {
    // It cannot be opened: the verb will say why.
    if (error instanceof EngineError) return false;
    throw error;
  }
}
