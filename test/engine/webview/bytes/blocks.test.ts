/** Blocks of bytes: fetched once, dropped or shown until fetched again when the image changes. */
import { expect, it } from 'vitest';
import { BLOCK_BYTES, ByteBlocks } from '../../../../webview/bytes/blocks';

/** Answers with bytes that tell which state of the image they are of. */
class Image {
  state = 1;
  readonly blocks = new ByteBlocks(
    (_, length) => Promise.resolve({ ok: true, value: new Uint8Array(length).fill(this.state) }),
    () => undefined,
  );
}

/** What was asked for has been answered. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve);
  });

const shown = (blocks: ByteBlocks, offset = 0): number | undefined => {
  const block = blocks.at(offset);
  return block?.ok === true ? block.bytes[0] : undefined;
};

it('are shown as they were until they are fetched again', async () => {
  const image = new Image();
  const { blocks } = image;
  blocks.want(0, 2 * BLOCK_BYTES);
  await settled();
  image.state = 2;
  blocks.want(0, BLOCK_BYTES);
  await settled();
  expect(shown(blocks)).toBe(1);
  blocks.outdate();
  expect(shown(blocks)).toBe(1);
  blocks.want(0, BLOCK_BYTES);
  await settled();
  expect([shown(blocks), shown(blocks, BLOCK_BYTES)]).toEqual([2, 1]);
  blocks.want(BLOCK_BYTES, 2 * BLOCK_BYTES);
  await settled();
  expect(shown(blocks, BLOCK_BYTES)).toBe(2);
});

it('are gone at once when they are dropped', async () => {
  const { blocks } = new Image();
  blocks.want(0, BLOCK_BYTES);
  await settled();
  blocks.clear();
  expect(shown(blocks)).toBeUndefined();
});
