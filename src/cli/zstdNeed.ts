/** Whether the zstd decoder has to be made ready: that takes longer than most other work. */
import { openChain } from '../qcow2/chain/openChain';
import { EngineError } from '../qcow2/errors';
import { Qcow2Image } from '../qcow2/image/qcow2Image';

/** True where one of the arguments is an image that has, or depends on one that has, zstd as its compression type. */
export const namesZstdImage = (args: readonly string[]): boolean => args.some(isZstdImage);

function isZstdImage(path: string): boolean {
  if (path.startsWith('-')) return false;
  try {
    const chain = openChain(path, { followsNames: true, usesProcessFolder: true });
    chain.close();
    return chain.layers.some(
      (layer) => layer instanceof Qcow2Image && layer.header.compressionType === 'zstd',
    );
  } catch (error) {
    // No image, or one that cannot be opened: the verb will say so.
    if (error instanceof EngineError) return false;
    throw error;
  }
}
