/** Images are found by their first bytes, whatever their names and folders. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FolderWalk } from '../../../src/worker/folderWalk';
import type { IndexedImage, WalkRequest } from '../../../src/worker/indexApi';
import { image } from '../../support/imageBuilder';

describe('a walk for images', () => {
  let folder: string;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'qcow2-walk-')));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function at(name: string): string {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  function create(...names: string[]): void {
    for (const name of names) image({ size: '1M' }).writeTo(at(name));
  }

  interface Walked {
    readonly images: readonly IndexedImage[];
    readonly names: readonly string[];
    readonly unreadable: readonly string[];
    readonly isCut: boolean;
    readonly parts: number;
  }

  function walk(request: Partial<WalkRequest> = {}): Walked {
    const limits = { maxImages: 1000, maxFiles: 1000 };
    const whole = { root: folder, starts: [folder], exclude: [], isDeep: true, followsLinks: true };
    const walking = new FolderWalk({ ...whole, ...limits, ...request });
    const images: IndexedImage[] = [];
    const unreadable: string[] = [];
    for (let parts = 1; ; parts++) {
      const part = walking.next();
      images.push(...part.images);
      unreadable.push(...part.unreadable.map((path) => relative(folder, path)));
      if (!part.isOver) continue;
      const names = images.map(({ path }) => relative(folder, path)).sort();
      return { images, names, unreadable, isCut: part.isCut, parts };
    }
  }

  it('recognises them by content, and lists what is named like one all the same', () => {
    create('disk.img', 'guest.snap1', 'vm', 'deep/er/odd name.[x]', 'plain.qcow2');
    writeFileSync(at('raw.img'), Buffer.alloc(4096));
    writeFileSync(at('three'), 'QFI');
    writeFileSync(at('empty'), '');
    writeFileSync(at('broken'), 'QFI\xfb', 'latin1');
    writeFileSync(at('no.qcow2'), 'text');
    const { images, names } = walk();
    expect(names).toEqual([
      'broken',
      'deep/er/odd name.[x]',
      'disk.img',
      'guest.snap1',
      'no.qcow2',
      'plain.qcow2',
      'vm',
    ]);
    const formats = new Map(images.map(({ path, format }) => [relative(folder, path), format]));
    expect(formats.get('no.qcow2')).toBe('raw');
    expect(formats.get('broken')).toBe('qcow2');
  });

  it('leaves out what is excluded, as VS Code reads the globs', () => {
    create('a.img', 'node_modules/x/b.img', 'sub/.git/c.img', 'sub/d.img', 'build/e.img', 'sub/build/f.img');
    const exclude = [{ glob: '**/{.git,node_modules}/**' }, { glob: 'build' }];
    expect(walk({ exclude }).names).toEqual(['a.img', 'sub/build/f.img', 'sub/d.img']);
  });

  it('leaves out a file whose sibling is there, where the exclusion says so', () => {
    create('a.img', 'a.xml', 'b.img');
    const exclude = [{ glob: '**/*.img', when: '$(basename).xml' }];
    expect(walk({ exclude }).names).toEqual(['a.xml', 'b.img']);
  });

  it('begins at single files and folders, and leaves out those below an excluded folder', () => {
    create('sub/a.img', 'sub/deep/b.img', 'cache/c.img', 'd.img');
    const starts = ['sub/deep', 'cache/c.img', 'd.img', 'gone'].map((name) => join(folder, name));
    expect(walk({ starts, exclude: [{ glob: 'cache' }] }).names).toEqual(['d.img', 'sub/deep/b.img']);
  });

  it('stays in the folder where it is told to', () => {
    create('a.img', 'sub/b.img');
    expect(walk({ isDeep: false }).names).toEqual(['a.img']);
  });

  it('takes links to files, walks linked folders once, and ends in a ring of links', () => {
    create('real/a.img');
    symlinkSync('real/a.img', at('link.img'));
    symlinkSync('real', at('again'));
    symlinkSync('..', at('real/up'));
    symlinkSync('ring', at('ring'));
    symlinkSync('nowhere', at('dangling.img'));
    const outside = realpathSync(mkdtempSync(join(tmpdir(), 'qcow2-walk-outside-')));
    try {
      image({ size: '1M' }).writeTo(join(outside, 'b.img'));
      symlinkSync(outside, at('elsewhere'));
      const { images, names, unreadable } = walk();
      expect(names).toEqual(['elsewhere/b.img', 'link.img', 'real/a.img']);
      expect(images.find(({ path }) => path.endsWith('link.img'))?.linkTarget).toBe(
        join(folder, 'real/a.img'),
      );
      expect(unreadable).toEqual([]);
      expect(walk({ followsLinks: false }).names).toEqual(['link.img', 'real/a.img']);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('is not led all over the machine by a link', () => {
    create('folder/a.img', 'b.img');
    symlinkSync('/', at('folder/everything'));
    symlinkSync(dirname(folder), at('folder/above'));
    const { names, unreadable, isCut } = walk({ root: at('folder'), starts: [at('folder')] });
    expect(names).toEqual(['folder/a.img']);
    expect({ unreadable, isCut }).toEqual({ unreadable: [], isCut: false });
  });

  it.runIf(process.platform === 'linux')('reads nothing of what the kernel shows as files', () => {
    create('a.img');
    symlinkSync('/proc/self', at('process'));
    symlinkSync('/sys/kernel', at('kernel'));
    const { names, unreadable, isCut } = walk({ maxFiles: 1 });
    expect({ names, unreadable, isCut }).toEqual({ names: ['a.img'], unreadable: [], isCut: false });
  });

  it('takes hard links as names of one file', () => {
    create('a.img');
    linkSync(at('a.img'), at('b'));
    const { images } = walk();
    expect(images).toHaveLength(2);
    expect(images[0]?.identity).toBe(images[1]?.identity);
  });

  it('never waits for a FIFO or a socket, nor opens a device', async () => {
    execFileSync('mkfifo', [at('fifo.qcow2')]);
    symlinkSync('/dev/zero', at('zero.qcow2'));
    const server = createServer().listen(at('socket.qcow2'));
    await new Promise((resolve) => server.once('listening', resolve));
    create('a.img');
    expect(walk().names).toEqual(['a.img']);
    await new Promise((resolve) => server.close(resolve));
  });

  it('says what it could not read', () => {
    create('a.img', 'locked/b.img', 'secret');
    chmodSync(at('locked'), 0);
    chmodSync(at('secret'), 0);
    try {
      // Root may read everything, so another user walks.
      const script = `
        const { FolderWalk } = require(${JSON.stringify(bundle(folder))});
        if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
        const walk = new FolderWalk({ root: ${JSON.stringify(folder)}, starts: [${JSON.stringify(folder)}],
          exclude: [], isDeep: true, followsLinks: true, maxImages: 9, maxFiles: 99 });
        console.log(JSON.stringify(walk.next().unreadable));`;
      chmodSync(folder, 0o755);
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect((JSON.parse(stdout) as string[]).sort()).toEqual([at('locked'), at('secret')]);
    } finally {
      chmodSync(at('locked'), 0o755);
    }
  });

  it('ends at its limits, and says so', () => {
    create('a', 'b', 'c');
    expect(walk({ maxImages: 3 }).isCut).toBe(false);
    const images = walk({ maxImages: 2 });
    expect([images.names.length, images.isCut]).toEqual([2, true]);
    expect(walk({ maxFiles: 2 }).isCut).toBe(true);
  });

  it('answers in parts', () => {
    for (let index = 0; index < 1200; index++) {
      if (index % 6 === 0) create(`folder-${index}/disk.img`);
      else mkdirSync(at(`folder-${index}`), { recursive: true });
    }
    const { names, parts } = walk();
    expect(names).toHaveLength(200);
    expect(parts).toBeGreaterThan(3);
  });
});

/** The walk as a script of its own, for a process with fewer rights. */
function bundle(folder: string): string {
  const outfile = join(folder, 'bundle.cjs');
  const args = [
    'src/worker/folderWalk.ts',
    '--bundle',
    '--platform=node',
    '--format=cjs',
    '--external:koffi',
  ];
  execFileSync(join('node_modules', '.bin', 'esbuild'), [
    ...args,
    `--outfile=${outfile}`,
    '--log-level=error',
  ]);
  return outfile;
}
