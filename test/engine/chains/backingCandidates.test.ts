// @requires posix: paths with slashes
/** The images that Change Backing File offers, known from their headers. */
import { describe, expect, it } from 'vitest';
import { backingCandidates } from '../../../src/chains/backingCandidates';
import { ChainModel } from '../../../src/chains/chainModel';
import type { IndexedImage } from '../../../src/worker/indexApi';

let inode = 0;

function image(path: string, facts: Partial<IndexedImage> = {}): IndexedImage {
  return { path, identity: `1:${++inode}`, fileSize: 0, allocatedBytes: 0, format: 'qcow2', ...facts };
}

const over = (backing: IndexedImage): Partial<IndexedImage> => ({
  backing: { nameAsWritten: backing.path, path: backing.path },
});

function model(files: Partial<Record<'found' | 'beside' | 'named', readonly IndexedImage[]>>): ChainModel {
  const byPath = (images: readonly IndexedImage[] = []): Map<string, IndexedImage> =>
    new Map(images.map((each) => [each.path, each]));
  return new ChainModel({
    found: byPath(files.found),
    beside: byPath(files.beside),
    named: byPath(files.named),
  });
}

const paths = (images: readonly IndexedImage[]): string[] => images.map(({ path }) => path);

describe('the images offered as a backing file', () => {
  it('are those of the same folder first, then the others, both by their paths', () => {
    const disk = image('/w/vm/disk');
    const found = ['/w/vm/b', '/w/a/a', disk.path, '/w/z', '/w/vm/a'].map((path) =>
      path === disk.path ? disk : image(path),
    );
    expect(paths(backingCandidates(model({ found }), disk))).toEqual([
      '/w/vm/a',
      '/w/vm/b',
      '/w/a/a',
      '/w/z',
    ]);
  });

  it('are found in the workspace, beside an open image, or named by another image, raw ones too', () => {
    const disk = image('/outside/disk');
    const raw = image('/bases/raw.img', { format: 'raw' });
    const found = [image('/w/found', over(raw))];
    const beside = [disk, image('/outside/beside')];
    expect(paths(backingCandidates(model({ found, beside, named: [raw] }), disk))).toEqual([
      '/outside/beside',
      '/bases/raw.img',
      '/w/found',
    ]);
  });

  it('are neither the image itself nor what depends on it, by any of their names', () => {
    const disk = image('/w/disk');
    const alias = image('/w/alias', { identity: disk.identity! });
    const user = image('/w/user', over(disk));
    const linked = image('/w/linked', { identity: user.identity! });
    const top = image('/w/top', over(user));
    const found = [image('/w/base'), alias, disk, user, linked, top];
    expect(paths(backingCandidates(model({ found }), disk))).toEqual(['/w/base']);
    expect(paths(backingCandidates(model({ found }), alias))).toEqual(['/w/base']);
  });

  it('are not the present backing file, by any of its names, but may be what lies below it', () => {
    const base = image('/w/base');
    const middle = image('/w/middle', over(base));
    const linked = image('/w/linked', { identity: middle.identity! });
    const disk = image('/w/disk', over(middle));
    const found = [base, disk, middle];
    expect(paths(backingCandidates(model({ found }), disk, linked))).toEqual(['/w/base']);
  });

  it('are each offered once, whatever the number of names', () => {
    const base = image('/w/base');
    const disk = image('/w/disk');
    const found = [base, image('/w/link', { identity: base.identity! }), disk];
    expect(paths(backingCandidates(model({ found }), disk))).toEqual(['/w/base']);
  });

  it('can be read: neither a broken header nor a missing file is among them', () => {
    const broken = image('/w/broken', {
      problem: { kind: 'io', code: 'file.missing', file: '/w/broken' },
    });
    const gone: IndexedImage = { path: '/w/gone', fileSize: 0, allocatedBytes: 0, format: 'unknown' };
    const disk = image('/w/disk');
    const orphan = image('/w/orphan', over(gone));
    const chains = model({ found: [broken, disk, orphan], named: [gone] });
    expect(paths(backingCandidates(chains, disk))).toEqual(['/w/orphan']);
  });
});
