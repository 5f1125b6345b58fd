/** What the documents refer to exists: links, files in code, npm scripts, names of the interface. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { compileGlob } from '../../src/worker/glob';
import { readTexts } from '../../scripts/lib/translations.mjs';

const at = (file: string): string => path.join(ROOT, file);
const read = (file: string): string => fs.readFileSync(at(file), 'utf8');
const markdownIn = (folder: string): string[] =>
  fs
    .readdirSync(at(folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join(folder, name));

const DOCUMENTS = [...markdownIn('.'), ...markdownIn('docs'), ...markdownIn('.github')];
/** Targets of links and pictures to files, relative to the project. */
const linksOf = (document: string): string[] =>
  [...read(document).matchAll(/\]\((?!https?:|command:|#)([^)#\s]+)/g)].map(([, target = '']) =>
    path.posix.join(path.posix.dirname(document), target),
  );

/** Shown by VS Code itself, or labels whose text is made of parts. */
const OTHER_NAMES = ['Auto Save', 'Save As', 'Unmap', 'Thorough'];

/** Files that a document names in code: paths with a folder of the project in front, or below `src/`. */
const filesOf = (document: string): string[] =>
  [...read(document).matchAll(/`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|mts|mjs|md|json|png))`/g)].map(
    ([, file = '']) => file,
  );
const EXISTING = ['.', 'src', 'src/qcow2'];

describe.each(DOCUMENTS)('%s', (document) => {
  it('links to files that exist', () => {
    expect(linksOf(document).filter((file) => !fs.existsSync(at(file)))).toEqual([]);
  });

  it('names files that exist', () => {
    const exists = (file: string): boolean =>
      EXISTING.some((folder) => fs.existsSync(at(path.join(folder, file))));
    expect(filesOf(document).filter((file) => !exists(file))).toEqual([]);
  });

  it('names npm scripts that exist', () => {
    // The changelog tells of scripts that are gone.
    if (document === 'CHANGELOG.md') return;
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(document).matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

it('comments refer to sections of the documents that exist', () => {
  const sources = ['src', 'webview', 'test', 'scripts'].flatMap((folder) =>
    fs
      .readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:ts|mts|mjs)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  const references = sources.flatMap((file) =>
    [...read(file).matchAll(/\b(ARCHITECTURE|CONTRIBUTING)\.md, "([^"]+)"/g)].map(
      ([, document = '', section = '']) => ({ file, document: `${document}.md`, section }),
    ),
  );
  const isMissing = ({ document, section }: { document: string; section: string }): boolean =>
    !read(document).includes(`\n## ${section}\n`);
  expect(references.length).toBeGreaterThan(1);
  expect(references.filter(isMissing)).toEqual([]);
});

it('the pictures of the README and of the walkthrough are packaged, and no others', () => {
  const packaged = [...read('.vscodeignore').matchAll(/^!(media\/s.+)$/gm)].map(([, glob = '']) =>
    compileGlob(glob),
  );
  const shown = [
    ...linksOf('README.md'),
    ...[...read('package.json').matchAll(/"(media[^"]+)"/g)].map(([, file = '']) => file),
  ].filter((file) => file.startsWith('media/screenshots/'));
  const pictures = fs.readdirSync(at('media/screenshots')).map((name) => `media/screenshots/${name}`);
  expect(pictures.filter((file) => packaged.some((matches) => matches(file)))).toEqual(
    [...new Set(shown)].sort(),
  );
});

it.each(['README.md', 'docs/editor.md', 'docs/commands.md', 'docs/messages.md'])(
  'names of the interface in %s are those that VS Code shows',
  (document) => {
    const shown = new Set([
      ...OTHER_NAMES,
      ...Object.values(readTexts(at('package.nls.json'))),
      ...Object.keys(readTexts(at('l10n/bundle.l10n.json'))),
    ]);
    const prose = read(document).replace(/^#.*$/gm, '');
    const names = [...prose.matchAll(/\*\*([A-Z][^*]*?(?:…| [A-Z][^*]*)?)\*\*(?!:)/g)].map(([, name = '']) =>
      name.replace(/\s+/g, ' '),
    );
    expect(names.filter((name) => !name.split(' | ').every((part) => shown.has(part)))).toEqual([]);
  },
);

describe('CHANGELOG.md', () => {
  const headings = [...read('CHANGELOG.md').matchAll(/^##+ .+$/gm)].map(([heading]) => heading);

  it('has the form of Keep a Changelog', () => {
    const form =
      /^(?:## \[Unreleased\]|## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d|### (?:Added|Changed|Deprecated|Removed|Fixed|Security))$/;
    expect(headings[0]).toBe('## [Unreleased]');
    expect(headings.filter((heading) => !form.test(heading))).toEqual([]);
  });

  it('tells of the version that package.json has', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    expect(headings.find((heading) => heading.startsWith('## [') && heading !== '## [Unreleased]')).toContain(
      `[${version}]`,
    );
  });
});
