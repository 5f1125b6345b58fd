// @requires posix: paths with slashes
/** The forest of backing chains, built from headers. */
import { describe, expect, it } from 'vitest';
import { ChainModel, type ChainNode, shortNameOf } from '../../../src/chains/chainModel';
import type { IndexedImage } from '../../../src/worker/indexApi';

let inode = 0;

/** An image at `path`, over the file at `backing`. */
function image(path: string, backing?: string, identity = `1:${++inode}`): IndexedImage {
  const facts = { path, identity, fileSize: 0, allocatedBytes: 0, format: 'qcow2' } as const;
  return backing === undefined ? facts : { ...facts, backing: { nameAsWritten: backing, path: backing } };
}

const missing = (path: string): IndexedImage => ({
  path,
  fileSize: 0,
  allocatedBytes: 0,
  format: 'unknown',
  problem: { kind: 'io', code: 'file.missing', file: path },
});

function model(
  found: readonly IndexedImage[],
  named: readonly IndexedImage[] = [],
  beside: readonly IndexedImage[] = [],
): ChainModel {
  const byPath = (images: readonly IndexedImage[]): Map<string, IndexedImage> =>
    new Map(images.map((one) => [one.path, one]));
  return new ChainModel({ found: byPath(found), beside: byPath(beside), named: byPath(named) });
}

/** `a > b` for each way down; a broken link as `!reason`. */
function lines(nodes: readonly ChainNode[], next: (node: ChainNode) => ChainNode[]): string[] {
  return nodes.flatMap((node) => {
    const name = node.kind === 'image' ? shortNameOf(node) : `!${node.reason}`;
    const below = lines(next(node), next);
    return below.length === 0 ? [name] : below.map((line) => `${name} > ${line}`);
  });
}

/** A node and what follows it, as long as one thing does. */
function shown(root: ChainNode | undefined, next: (node: ChainNode) => ChainNode[]): ChainNode[] {
  const nodes: ChainNode[] = [];
  for (let at = root; at !== undefined; [at] = next(at)) nodes.push(at);
  return nodes;
}

const fromTop = (chains: ChainModel): string[] => lines(chains.tops(), (node) => chains.below(node));
const fromBase = (chains: ChainModel): string[] => lines(chains.bases(), (node) => chains.above(node));

describe('backing chains', () => {
  it('are seen from the top and from the base', () => {
    const chains = model([
      image('/w/top', '/w/middle'),
      image('/w/middle', '/w/base'),
      image('/w/base'),
      image('/w/side', '/w/base'),
      image('/w/alone'),
    ]);
    expect(fromTop(chains)).toEqual(['alone', 'side > base', 'top > middle > base']);
    expect(fromBase(chains)).toEqual(['alone', 'base > middle > top', 'base > side']);
  });

  it('are whole from either end where nothing is missing', () => {
    const chains = model(
      [
        image('/w/top', '/w/middle'),
        image('/w/middle', '/w/base'),
        image('/w/base'),
        image('/w/orphan', '/w/gone'),
        image('/w/child', '/w/orphan'),
        image('/w/ring', '/w/ring'),
      ],
      [missing('/w/gone')],
    );
    const wholeness = (roots: readonly ChainNode[], next: (node: ChainNode) => ChainNode[]): string[] =>
      roots
        .flatMap((root) => shown(root, next))
        .map((node) => `${shortNameOf(node)} ${String(chains.isWhole(node))}`);
    expect(wholeness(chains.tops(), (node) => chains.below(node))).toEqual([
      'child false',
      'orphan false',
      'gone false',
      'ring false',
      'ring false',
      'top true',
      'middle true',
      'base true',
    ]);
    expect(wholeness([chains.find('/w/top', true)!.parent!.parent!], (node) => chains.above(node))).toEqual([
      'base true',
      'middle true',
      'top true',
    ]);
  });

  it('go down as far as the engine goes, however long they are, and say that they go on', () => {
    const images = Array.from({ length: 2000 }, (_, index) =>
      image(`/w/${index}`, index === 0 ? undefined : `/w/${index - 1}`),
    );
    const chains = model(images);
    const start = performance.now();
    const walks = [
      [chains.tops()[0], (node: ChainNode) => chains.below(node)],
      [chains.bases()[0], (node: ChainNode) => chains.above(node)],
    ] as const;
    for (const [root, next] of walks) {
      const layers = shown(root, next);
      expect(layers).toHaveLength(257);
      expect(layers.at(-1)).toMatchObject({ kind: 'broken', reason: 'tooDeep' });
    }
    expect(chains.isWhole(chains.tops()[0]!)).toBe(true);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('end in a broken link where a file is missing, refused or not read', () => {
    const refused: IndexedImage = {
      ...image('/w/c'),
      backing: {
        nameAsWritten: 'nbd:x',
        problem: { kind: 'refused', code: 'gate.protocol', file: '/w/c', value: 'nbd:x', name: 'nbd' },
      },
    };
    const chains = model(
      [image('/w/a', '/x/gone'), image('/w/b', '/x/unread'), refused],
      [missing('/x/gone')],
    );
    expect(fromTop(chains)).toEqual(['a > !missing', 'b > !notRead', 'c > !refused']);
    expect(fromBase(chains)).toEqual(['a > !missing', 'b > !notRead', 'c > !refused']);
    expect(chains.tops().map((node) => chains.isWhole(node))).toEqual([false, true, false]);
  });

  it('that come back to themselves are shown once, and end', () => {
    const chains = model([image('/w/a', '/w/b'), image('/w/b', '/w/a'), image('/w/self', '/w/self')]);
    expect(fromTop(chains)).toEqual(['a > b > !cycle', 'self > !cycle']);
    expect(fromBase(chains)).toEqual(['a > b > !cycle', 'self > !cycle']);
  });

  it('with a tail that leads into a ring are shown from the tail', () => {
    const chains = model([image('/w/tail', '/w/a'), image('/w/a', '/w/b'), image('/w/b', '/w/a')]);
    expect(fromTop(chains)).toEqual(['tail > a > b > !cycle']);
  });

  it('know one file under several names', () => {
    const base = image('/w/base');
    const { identity = '' } = base;
    const chains = model(
      [base, image('/w/link', undefined, identity), image('/w/top', '/w/sub/../base')],
      [image('/w/sub/../base', undefined, identity)],
    );
    expect(fromTop(chains)).toEqual(['top > base']);
    expect(fromBase(chains)).toEqual(['base > top']);
  });

  it('go on through files that only a header names', () => {
    const chains = model([image('/w/top', '/x/middle')], [image('/x/middle', '/x/base'), image('/x/base')]);
    expect(fromTop(chains)).toEqual(['top > middle > base']);
    const [middle] = chains.below(chains.tops()[0]!);
    expect(middle).toMatchObject({ kind: 'image', isOutside: true });
  });

  it('have nodes of their own, however often a layer is shown', () => {
    const chains = model([image('/w/a', '/w/base'), image('/w/b', '/w/base'), image('/w/base')]);
    const ids = chains.tops().flatMap((top) => [top.id, ...chains.below(top).map(({ id }) => id)]);
    expect(new Set(ids).size).toBe(4);
  });

  it('match a text in the path of any layer, whatever the case', () => {
    const chains = model([image('/w/top', '/w/Middle'), image('/w/Middle')]);
    const [top] = chains.tops();
    const below = (node: ChainNode): ChainNode[] => chains.below(node);
    expect(chains.matches(top!, 'middle', below)).toBe(true);
    expect(chains.matches(top!, 'elsewhere', below)).toBe(false);
  });

  it('of ten thousand images over one base are grown within a second', () => {
    const images = Array.from({ length: 10_000 }, (_, index) => image(`/w/${index}`, '/w/base'));
    const start = performance.now();
    const chains = model([image('/w/base'), ...images]);
    expect(chains.tops()).toHaveLength(10_000);
    expect(chains.above(chains.bases()[0]!)).toHaveLength(10_000);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('what depends on an image', () => {
  const chains = model([
    image('/w/top', '/w/middle'),
    image('/w/middle', '/w/base'),
    image('/w/side', '/w/base'),
    image('/w/base'),
    image('/w/one', '/w/two'),
    image('/w/two', '/w/one'),
  ]);
  const of = (path: string): string[] =>
    chains.dependentsOf(path).map(({ image: { path: at }, distance }) => `${at} ${distance}`);

  it('is told nearest first, through all that lies between', () => {
    expect(of('/w/base')).toEqual(['/w/middle 1', '/w/side 1', '/w/top 2']);
    expect(of('/w/middle')).toEqual(['/w/top 1']);
    expect(of('/w/top')).toEqual([]);
    expect(of('/w/nowhere')).toEqual([]);
  });

  it('is in a ring everything but itself', () => {
    expect(of('/w/one')).toEqual(['/w/two 1']);
  });

  /** An image under a name from which its relative backing name leads elsewhere, or nowhere. */
  const named = (path: string, identity: string, backing: string): IndexedImage =>
    image(path, backing, identity);

  it('is told by any name of the file, an unknown one as well', () => {
    const base = image('/w/base', undefined, '2:1');
    const linked = model([image('/w/top', '/w/link'), base], [image('/w/link', undefined, '2:1')]);
    const users = (path: string, identity?: string): string[] =>
      linked.overlaysOf(path, identity).map((user) => user.path);
    expect(users('/w/base')).toEqual(['/w/top']);
    expect(users('/w/link')).toEqual(['/w/top']);
    expect(users('/elsewhere/hard-link')).toEqual([]);
    expect(users('/elsewhere/hard-link', '2:1')).toEqual(['/w/top']);
  });

  it('is known by whichever name of an overlay leads to it', () => {
    const base = image('/real/base', undefined, '3:1');
    const link = named('/w/link', '3:2', '/w/base');
    const target = named('/real/over', '3:2', '/real/base');
    const linked = model([link], [base, target, missing('/w/base')]);
    expect(linked.overlaysOf('/real/base').map(({ path }) => path)).toEqual(['/w/link']);
    expect(fromTop(linked)).toEqual(['link > base']);
    expect(fromBase(linked)).toEqual(['base > link']);
  });

  it('is told of each base that an overlay with two names has', () => {
    const files = [
      image('/a/base', undefined, '4:1'),
      image('/b/base', undefined, '4:2'),
      named('/a/over', '4:3', '/a/base'),
      named('/b/over', '4:3', '/b/base'),
    ];
    const linked = model(files);
    for (const base of ['/a/base', '/b/base']) {
      expect(linked.overlaysOf(base).map(({ path }) => path)).toEqual(['/a/over']);
    }
    expect(fromTop(linked)).toEqual(['base', 'over > base']);
  });

  it('counts images beside open ones like those of the workspace', () => {
    const beside = model([image('/w/base')], [], [image('/o/top', '/w/base'), image('/o/alone')]);
    expect(fromTop(beside)).toEqual(['alone', 'top > base']);
    expect(beside.find('/o/top', false)).toMatchObject({ isOutside: true, isNamed: false });
  });
});

describe('the node of an image', () => {
  const chains = model([image('/w/top', '/w/middle'), image('/w/middle', '/w/base'), image('/w/base')]);
  const way = (path: string, fromBase: boolean): string[] => {
    const names: string[] = [];
    for (let at = chains.find(path, fromBase); at !== undefined; at = at.parent)
      names.unshift(shortNameOf(at));
    return names;
  };

  it('is found from either end, with the nodes that lead to it', () => {
    expect(way('/w/base', false)).toEqual(['top', 'middle', 'base']);
    expect(way('/w/base', true)).toEqual(['base']);
    expect(way('/w/top', true)).toEqual(['base', 'middle', 'top']);
    expect(way('/w/nowhere', true)).toEqual([]);
  });

  it('is the one that the tree shows', () => {
    const [top] = chains.tops();
    const shown = chains.below(chains.below(top!)[0]!)[0]!;
    expect(chains.find('/w/base', false)?.id).toBe(shown.id);
  });
});
