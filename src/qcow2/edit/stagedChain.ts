/**
 * The chain of an image as staged: the image itself with its staged content, over its backing and data files as they are
 * on disk. Different files are opened only if the staged header names them.
 */
import { openChain, openChainOf, type Chain, type ChainOptions } from '../chain/openChain';
import { isSameBacking } from '../change/rebase';
import { EngineError, RefusedError } from '../errors';
import { Qcow2Image } from '../image/qcow2Image';
import { LocalFile } from '../io/localFile';
import type { StagedFiles } from './stagedStates';
import { formerFiles } from './interrupted';

export class StagedChain {
  readonly #path: string;
  readonly #options: ChainOptions;
  #disk: Chain;
  /** What the staged header names, where that is not what it names on disk. */
  #rebased: Chain | undefined;

  /** @throws EngineError when the image itself cannot be opened */
  constructor(path: string, options: ChainOptions) {
    this.#path = path;
    this.#options = options;
    this.#disk = openChain(path, { ...this.#options, former: formerFiles });
  }

  /** The image and its chain as they are on disk. */
  get onDisk(): Chain {
    return this.#disk;
  }

  /**
   * The chain that the image as staged names.
   * @throws EngineError
   */
  open({ image, dataFile }: StagedFiles): Chain {
    const top = Qcow2Image.open(image, { dataFile, former: this.#disk.top });
    const chain = this.#chainOf(top);
    return { ...chain, top, layers: [top, ...chain.layers.slice(1)] };
  }

  /**
   * Opens the files on disk again, as a save has left them.
   * @param take is told of the new ones while those from before are still open
   * @throws EngineError; nothing has changed then
   */
  reopen(take: (disk: Chain) => void): void {
    const disk = openChain(this.#path, this.#options);
    take(disk);
    this.#disk.close();
    this.#disk = disk;
  }

  /**
   * An image that depends on itself cannot be opened by anybody; QEMU would hang.
   * @throws EngineError `chain.cycle`
   */
  refuseCycle(staged: StagedFiles): void {
    const { view, files } = this.open(staged);
    const cycle = view.layers.find(({ problem }) => problem?.code === 'chain.cycle')?.problem;
    if (cycle !== undefined) throw new EngineError(cycle);
    const { file } = this.#disk.top;
    const itself = files.find((each) => each !== file && file instanceof LocalFile && isSameFile(each, file));
    if (itself !== undefined) throw new RefusedError(this.#path, 'chain.cycle', { value: itself.name });
  }

  close(): void {
    this.#disk.close();
    this.#rebased?.close();
  }

  #chainOf(top: Qcow2Image): Chain {
    const { file, backing } = this.#disk.top;
    if (isSameBacking(top.backing, backing) || !(file instanceof LocalFile)) return this.#disk;
    if (this.#rebased === undefined || !isSameBacking(this.#rebased.top.backing, top.backing)) {
      this.#rebased?.close();
      this.#rebased = openChainOf(top, file, this.#disk.view.layers[0]?.notes ?? [], this.#options);
    }
    return this.#rebased;
  }
}

const isSameFile = ({ identity: one }: LocalFile, { identity: other }: LocalFile): boolean =>
  one.device === other.device && one.inode === other.inode;
