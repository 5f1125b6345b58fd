/** The generated parts of docs/, and the faults found in the written ones. */
import { describe, expect, it } from 'vitest';
import {
  colorsBlock,
  commandFaults,
  filled,
  messageBlocks,
  settingsBlock,
} from '../../../scripts/lib/reference.mjs';

const MANIFEST = {
  contributes: {
    commands: [{ command: 'qcow2.check', title: '%check%' }],
    configuration: {
      properties: {
        'qcow2.limit': { type: 'integer', minimum: 1, maximum: 9, default: 5, description: '%limit%' },
      },
    },
    colors: [{ id: 'qcow2.mapData', description: 'Data', defaults: { dark: '#000', light: '#fff' } }],
  },
};
const TEXTS = { check: 'Check', limit: 'How many' };

it('a block is filled, and what is around it stays', () => {
  const page = 'a\n<!-- begin: one -->\nold\n<!-- end -->\nb\n';
  expect(filled(page, { one: 'new' })).toBe('a\n<!-- begin: one -->\n\nnew\n\n<!-- end -->\nb\n');
  expect(() => filled(page, {})).toThrow('no block is called one');
});

it('settings and colours come from package.json, their texts from package.nls.json', () => {
  expect(settingsBlock(MANIFEST, TEXTS)).toBe(
    '## `qcow2.limit`\n\nHow many\n\nDefault: `5`. Type: integer, from 1 to 9. Scope: window.',
  );
  expect(colorsBlock(MANIFEST, TEXTS)).toContain('| `qcow2.mapData` | Data | `#000` | `#fff` |');
});

describe('messages', () => {
  const page = (...names: string[]): string =>
    names.map((name) => `<!-- begin: messages ${name} -->\n<!-- end -->\n`).join('\n');
  const sentences = { 'file.open': 'Cannot be opened', 'file.openMore': 'More', 'lock.held': 'Held' };

  it('are in the block that names most of their code', () => {
    const { blocks, faults } = messageBlocks(sentences, page('file', 'lock file.open'));
    expect(faults).toEqual([]);
    expect(blocks['messages file']).toContain('file.openMore');
    expect(blocks['messages file']).not.toContain('| `file.open` |');
    expect(blocks['messages lock file.open']).toContain('| Cannot be opened | `file.open` |');
  });

  it('without a block, and blocks without a message, are faults', () => {
    expect(messageBlocks(sentences, page('file gone')).faults).toEqual([
      'no block has lock.held',
      'no message is gone',
    ]);
  });
});

describe('docs/commands.md', () => {
  it('has a row for each command, with its title', () => {
    expect(commandFaults(MANIFEST, TEXTS, '| Check | `qcow2.check` | Checks |')).toEqual([]);
  });

  it('is stale where a row is missing, has another title, or tells of a command that is gone', () => {
    expect(commandFaults(MANIFEST, TEXTS, '')).toEqual(['qcow2.check has no row with the title "Check"']);
    expect(commandFaults(MANIFEST, TEXTS, '| Test | `qcow2.check` | Checks |')).toHaveLength(1);
    const gone = '| Check | `qcow2.check` | Checks |\n| Old | `qcow2.old` | Is gone |';
    expect(commandFaults(MANIFEST, TEXTS, gone)).toEqual(['there is no command qcow2.old']);
  });
});
