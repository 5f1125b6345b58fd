/** Refcount table and blocks (qcow2.txt, "Host cluster management") for a file whose references are known. */

/** Clusters that the refcount structures of a file need, themselves included. */
export interface RefcountSize {
  readonly tableClusters: number;
  readonly blocks: number;
}

/**
 * @param otherClusters clusters of everything else, gaps included
 * @param blockEntries refcounts in one block
 */
export function refcountSize(otherClusters: number, blockEntries: number, clusterSize: number): RefcountSize {
  let size: RefcountSize = { tableClusters: 1, blocks: 1 };
  for (;;) {
    const total = otherClusters + size.tableClusters + size.blocks;
    const blocks = Math.ceil(total / blockEntries);
    const tableClusters = Math.ceil((blocks * 8) / clusterSize);
    if (blocks === size.blocks && tableClusters === size.tableClusters) return size;
    size = { tableClusters, blocks };
  }
}

/** Writes one refcount of `2^order` bits; narrow ones fill each byte from its lowest bits. */
export function putRefcount(block: Buffer, order: number, index: number, refcount: number): void {
  const bits = 2 ** order;
  if (refcount >= 2 ** bits) throw new Error(`refcount ${refcount} does not fit into ${bits} bits`);
  if (bits < 8) {
    const at = Math.floor((index * bits) / 8);
    block.writeUInt8(block.readUInt8(at) | (refcount << ((index * bits) % 8)), at);
  } else if (bits === 64) block.writeBigUInt64BE(BigInt(refcount), index * 8);
  else block.writeUIntBE(refcount, (index * bits) / 8, bits / 8);
}
